"""All texts of the page, in English and Chinese.

Gradio translates the fixed texts of the page in the browser (:data:`I18N`). Event handlers answer in the language that
the visitor's browser prefers (:func:`language_of`).
"""

from __future__ import annotations

import gradio as gr

#: key → English, Chinese. Gradio uses some keys itself, such as "video", "image", "file" and "label"; do not use those.
TEXTS: dict[str, tuple[str, str]] = {
    "introduction": (
        """# Which expression does a face show?
A 240 KB network finds every face in a photo, a video or a camera image, and gives the probability of each expression.
An expression is not a feeling.""",
        """# 每张脸是什么表情？
一个仅 240 KB 的网络会检测照片、视频或摄像头画面中的每一张人脸，并给出各类表情的概率。表情不等于情绪。""",
    ),
    "photo": ("Photo", "照片"),
    "faces_alt": ("The image with a box around each face", "用方框标出每张人脸的图像"),
    "examples": ("Examples", "示例"),
    "table": ("Table", "表格"),
    "json": ("JSON", "JSON"),
    "probabilities": ("Probabilities", "概率"),
    "face": ("face", "人脸"),
    "drop_photo": (
        "Drop your photo here, paste it, or click to choose one",
        "把您的照片拖到这里，也可以粘贴，或点击选择",
    ),
    "photo_privacy": (
        "Photos are processed on this server and deleted within two minutes.",
        "照片在本服务器上处理，两分钟内删除。",
    ),
    "example_result": ("This is an example. Try your own photo.", "这是一个示例。请换上您自己的照片。"),
    "waiting": ("Choose a photo, or click one of the examples.", "请选择一张照片，或点击任一示例。"),
    "download_image": ("Image", "图像"),
    "download": ("Download", "下载"),
    "unsure": ("unsure", "不确定"),
    "perhaps": ("perhaps {emotion}", "可能是{emotion}"),
    "unsure_probability": (
        "No expression has a probability of 40 % or more.",
        "没有任何一种表情的概率达到 40%。",
    ),
    "unsure_size": ("The face is too small: {pixels} pixels.", "人脸太小，只有 {pixels} 像素。"),
    "show_evidence": ("Show evidence", "显示依据"),
    "evidence_help": (
        "Orange is evidence for the expression, blue against it. Click a bar to choose another expression.",
        "橙色支持该表情，蓝色反对该表情。点击其他条目可查看其他表情。",
    ),
    "processing": ("Processing…", "正在识别……"),
    "no_face": (
        "<b>No face found.</b> The face should be larger, clearer, or turned towards the camera.",
        "<b>未检测到人脸。</b>人脸应更大、更清晰或更正对镜头。",
    ),
    "photo_failed": (
        "This photo could not be processed; see the notification. If the page is busy, try again in a moment.",
        "无法处理这张照片，详情请看通知。如果通知显示 busy（繁忙），请稍后重试。",
    ),
    "webcam": ("Webcam", "摄像头"),
    "camera": ("Camera", "摄像头"),
    "camera_help": (
        "Click the camera and allow access. The frames go to this server, are classified and forgotten. The tab “On "
        "your device” classifies them in your browser instead: nothing leaves your device, and it is faster.",
        "点击摄像头并允许访问。画面会发送到本服务器，识别后即丢弃。"
        "“在您的设备上”标签页则直接在浏览器中识别：画面不会离开您的设备，速度也更快。",
    ),
    "camera_waiting": (
        "The camera is off. The annotated frames will appear here.",
        "摄像头未开启。标注后的画面会显示在这里。",
    ),
    "camera_refused": (
        "Camera access was denied. Click the camera or lock icon in the address bar, allow the camera for this site, "
        "and reload the page.",
        "摄像头权限被拒绝。请点击地址栏中的摄像头或锁形图标，允许本站使用摄像头，然后刷新页面。",
    ),
    "camera_missing": (
        "No camera found. Connect one and reload the page, or upload an image in the Photo tab.",
        "未找到摄像头。请连接摄像头后刷新页面，或在“照片”标签页上传图片。",
    ),
    "camera_in_use": (
        "The camera sends no image; another program may be using it. Close that program and reload the page.",
        "摄像头没有画面，可能正被其他程序占用。请关闭该程序后刷新页面。",
    ),
    "camera_insecure": (
        "Browsers allow camera access only over HTTPS or on localhost; this page was loaded over HTTP.",
        "浏览器只允许 HTTPS 或 localhost 页面使用摄像头，而本页面是通过 HTTP 打开的。",
    ),
    "camera_busy": (
        "The page is busy. The camera retries every few seconds.",
        "当前访客较多，摄像头会每隔几秒自动重试。",
    ),
    "smoothing": ("Smoothing (seconds)", "平滑时间（秒）"),
    "smoothing_info": (
        "0 disables smoothing. Larger values give steadier probabilities that react more slowly.",
        "0 表示不平滑。数值越大越平稳，但反应越慢。",
    ),
    "frames_per_s": ("{frames:.0f} frames per second", "每秒 {frames:.0f} 帧"),
    "last_30_s": ("Probabilities of the largest face over the last 30 seconds", "最大人脸最近 30 秒的概率"),
    "in_browser": ("On your device", "在您的设备上"),
    "in_browser_not_built": (
        "<b>The page in this tab is not built yet.</b> It will classify faces on the visitor's own device. To build "
        "it, in a checkout of the repository, run <code>make web</code> and restart this page.",
        "<b>本标签页尚未构建。</b>它在访客自己的设备上识别表情。"
        "请在代码仓库中运行 <code>make web</code>，然后重新启动本页面。",
    ),
    "video_tab": ("Video", "视频"),
    "annotated_video": ("Annotated video, with audio", "标注后的视频（含音频）"),
    "annotate_video": ("Annotate video", "开始识别"),
    "cancel": ("Cancel", "取消"),
    "another_video": ("Another video", "换一个视频"),
    "download_annotated": ("Video (MP4)", "标注视频（MP4）"),
    "download_frames": ("Table per frame (CSV)", "逐帧表格（CSV）"),
    "download_people": ("Table per face (CSV)", "每张人脸的汇总表（CSV）"),
    "download_subtitles": ("Subtitles (WebVTT)", "字幕（WebVTT）"),
    "column_face": ("Face", "人脸"),
    "column_share": ("Share of time", "时间占比"),
    "column_longest": ("Longest", "最长连续"),
    "seen": ("seen {duration:.1f} s<br>{start}–{end}", "出现 {duration:.1f} 秒<br>{start}–{end}"),
    "stretch": ("{duration:.1f} s<br>{start}–{end}", "{duration:.1f} 秒<br>{start}–{end}"),
    "seen_times": ("{times} times", "共 {times} 次"),
    "subtitle": ("face {id}: {emotion} {share:.0f} %", "人脸 {id}：{emotion} {share:.0f} %"),
    "subtitle_unsure": ("face {id}: unsure", "人脸 {id}：不确定"),
    "now_idle": ("no face", "没有人脸"),
    "over_time": ("Over time", "随时间的变化"),
    "seek_help": ("Click a timeline to move the video there.", "点击时间线，视频就会跳到那里。"),
    "seek": ("Position in the video, on the timeline of {name}", "视频位置（{name}的时间线）"),
    "video_privacy": (
        "Videos are processed on this server and deleted within two minutes.",
        "视频在本服务器上处理，两分钟内删除。",
    ),
    "video_waiting": (
        "Choose a video, or click the example, then press “Annotate video”.<br>The result is a copy with a box around "
        "each face, a table of who showed which expression for how long, and subtitles. A video may last 3 minutes.",
        "请选择一个视频或点击示例，然后按“开始识别”。<br>结果包括：标出每张人脸的视频、每张人脸各种表情所占时间的表格，以及字幕。"
        "视频最长 3 分钟。",
    ),
    "video_progress": ("{done:.1f} of {total:.1f} s", "{done:.1f} / {total:.1f} 秒"),
    "cancelled": ("Cancelled. Nothing was saved.", "已取消，未保存任何内容。"),
    "video_failed": (
        "This video could not be processed; see the notification.",
        "无法处理这个视频，详情请看通知。",
    ),
    "video_no_face": (
        "<b>No face found</b> in {frames} frames. Faces should be larger, clearer, or turned towards the camera.",
        "{frames} 帧中<b>未检测到人脸</b>。人脸应更大、更清晰或更正对镜头。",
    ),
    "video_faces": ("Frames: {frames} · faces: {faces}", "共 {frames} 帧，{faces} 张人脸"),
    "video_more_faces": (
        "Faces that were visible for a shorter time: {faces}; see the table.",
        "另有 {faces} 张人脸出现时间较短，见表格。",
    ),
    "video_too_long": (
        "{name}: {duration:.0f} s long; choose a video of at most {limit} s",
        "{name}：时长 {duration:.0f} 秒；请选择不超过 {limit} 秒的视频",
    ),
    "face_over_time": ("{name}: probabilities over time", "{name}：概率随时间的变化"),
    "expired": (
        "This file has expired: uploads are deleted after one minute. Choose it again.",
        "文件已过期：上传的文件会在一分钟后删除。请重新选择。",
    ),
    "augmentation": ("Augmentation", "数据增强"),
    "augmentation_introduction": (
        "The network is trained on randomly changed faces like these. A prediction is stable if it stays the same for "
        "all of them.",
        "模型就是用这样随机增强的人脸训练的。如果所有增强图像的识别结果都相同，这个结果就是稳定的。",
    ),
    "preset": ("Preset", "预设"),
    # The figures are from docs/research/reference_runs.md, docs/research/experiments.md and README.md.
    "preset_keras": (
        "**keras** (zoom, shift, rotation, flip) is the set of the official Keras project. Its published weights reach "
        "65.03 % on PublicTest, measured here.",
        "**keras**（缩放、平移、旋转、翻转）是官方 Keras 项目所用的增强。"
        "其公开权重在 PublicTest 上为 65.03 %（本项目实测）。",
    ),
    "preset_basic": (
        "**basic** (brightness, rotation, flip) is the PyTorch reference's first set. It reports 62 % on PublicTest "
        "and PrivateTest together, with overfitting; trained again here: 62.50 % on PublicTest.",
        "**basic**（亮度、旋转、翻转）是 PyTorch 参考项目的第一代增强。"
        "原作者报告 62 %（PublicTest 与 PrivateTest 合计），有过拟合；本项目重新训练：PublicTest 62.50 %。",
    ),
    "preset_full": (
        "**full** (basic, noise, shift) is the PyTorch reference's second set. It reports 65.04 % on PublicTest and "
        "PrivateTest together, without overfitting; trained again here: 61.72 % on PublicTest.",
        "**full**（basic 加噪声和平移）是 PyTorch 参考项目的第二代增强。"
        "原作者报告 65.04 %（PublicTest 与 PrivateTest 合计），没有过拟合；本项目重新训练：PublicTest 61.72 %。",
    ),
    "preset_best": (
        "**best** (light, blur, zoom, shift, rotation, flip) is this project's set. Measured here on PublicTest: "
        "65.31 % with the labels alone and no blur, 66.45 % with a teacher and blur.",
        "**best**（光线、模糊、缩放、平移、旋转、翻转）是本项目的增强。"
        "本项目在 PublicTest 上实测：只用标签、不加模糊为 65.31 %，使用教师模型并加模糊为 66.45 %。",
    ),
    "preset_mild": (
        "**mild** is a weaker **best**, for the last 8 epochs. Measured here, they raised PublicTest from 66.45 to "
        "67.04 %: the weights of version 0.1.0.",
        "**mild** 是减弱的 **best**，用于最后 8 轮训练。"
        "本项目实测，PublicTest 从 66.45 % 升至 67.04 %，即 0.1.0 版的权重。",
    ),
    "preset_photos": (
        "**photos** imitates what spoils photos: shadow, overexposure, defocus, motion, low resolution, noise, JPEG. "
        "Measured here on blurred faces of PublicTest: right in 39 to 40 instead of 34 of 100.",
        "**photos** 模拟照片中常见的问题：阴影、过曝、失焦、运动模糊、低分辨率、噪声和 JPEG 压缩。"
        "本项目在 PublicTest 上实测：模糊人脸每 100 张识别正确 39 至 40 张（原为 34 张）。",
    ),
    "all_presets": ("All presets, and what they brought", "全部预设及其效果"),
    "preset_own": ("Your own strengths; they match no preset.", "自定义强度，与任何预设都不同。"),
    "group_light": ("### Light", "### 光线"),
    "group_sharpness": ("### Sharpness and noise", "### 清晰度与噪声"),
    "group_geometry": ("### Geometry", "### 几何变换"),
    "augmenting": ("Augmenting an example…", "正在增强示例图像……"),
    "example_face": (
        "An example: a face as the network sees it. Choose a photo to try your own.",
        "这是一个示例：模型所看到的人脸。也可以选择您自己的照片。",
    ),
    "augmented": ("augmented", "增强后"),
    "seed": ("Seed", "随机种子"),
    "seed_info": ("The same seed gives the same images.", "相同的种子生成相同的图像。"),
    "new_seed": ("New seed", "换一个种子"),
    "as_python": ("Python code", "Python 代码"),
    "original": ("original", "原图"),
    "agreement": (
        "{share:.0%} of {n} images classified as {emotion}",
        "{n} 张图像中有 {share:.0%} 识别为{emotion}",
    ),
    "stability": (
        "confidence: mean {mean:.0%}, standard deviation {spread:.0%}",
        "置信度：平均值 {mean:.0%}，标准差 {spread:.0%}",
    ),
    "whole_image": ("No face found; the whole image is used.", "未检测到人脸，改用整张图像。"),
    "choose_face": ("Choose an image with a face.", "请选择一张有人脸的图片。"),
    "salt_and_pepper": ("Salt and pepper: fraction of pixels", "椒盐噪声：像素比例"),
    "brightness": ("Brightness: ± fraction", "亮度：± 比例"),
    "contrast": ("Contrast: ± fraction", "对比度：± 比例"),
    "blur": ("Blur: maximum sigma in pixels", "模糊：最大标准差（像素）"),
    "overexposure": ("Overexposure: maximum number of grey levels", "过曝：最大灰度增量"),
    "shadow": ("Shadow on one half: maximum fraction", "半边阴影：最大变暗比例"),
    "defocus": ("Defocus: maximum sigma in pixels", "失焦：最大标准差（像素）"),
    "motion": ("Motion blur: maximum length in pixels", "运动模糊：最大长度（像素）"),
    "resolution": ("Low resolution: maximum factor", "低分辨率：最大缩小倍数"),
    "noise": ("Noise: maximum sigma in grey levels", "噪声：最大标准差（灰度级）"),
    "jpeg": ("JPEG: maximum loss of quality", "JPEG：最大质量损失"),
    "zoom": ("Zoom: ± fraction", "缩放：± 比例"),
    "shift": ("Shift: ± fraction of the side", "平移：± 边长比例"),
    "rotation": ("Rotation: ± degrees", "旋转：± 度"),
    "flip": ("Horizontal flip: probability", "水平翻转：概率"),
}

#: label → English, Chinese.
LABELS: dict[str, tuple[str, str]] = {
    "angry": ("angry", "生气"),
    "disgust": ("disgust", "厌恶"),
    "fear": ("fear", "恐惧"),
    "happy": ("happy", "高兴"),
    "sad": ("sad", "悲伤"),
    "surprise": ("surprise", "惊讶"),
    "neutral": ("neutral", "中性"),
}

#: Translates the fixed texts of the page: ``I18N("photo")``.
I18N = gr.I18n(
    en={key: english for key, (english, _) in TEXTS.items()},
    zh={key: chinese for key, (_, chinese) in TEXTS.items()},
)


def language_of(request: gr.Request | None) -> int:
    """Return the index of a visitor's language in TEXTS: 1 if the browser prefers Chinese, else 0."""
    accepted = request.headers.get("accept-language", "") if request else ""
    return int(accepted.lower().startswith("zh"))


def text(key: str, language: int) -> str:
    """Return the text with a key, in a language."""
    return TEXTS[key][language]


def label_text(label: str, language: int) -> str:
    """Return the name of a label in a language. A label without a translation keeps its own name."""
    return LABELS[label][language] if label in LABELS else label
