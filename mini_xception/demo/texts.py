"""All texts of the page, in English and Chinese.

Gradio translates the fixed texts of the page in the browser (:data:`I18N`). Event handlers answer in the language that
the visitor's browser prefers (:func:`language_of`).
"""

from __future__ import annotations

import gradio as gr

#: key → English, Chinese. Gradio uses some keys itself, such as "video", "image", "file" and "label"; do not use those.
TEXTS: dict[str, tuple[str, str]] = {
    "introduction": (
        """# Facial expression recognition with 58,047 parameters
Detects every face in a photo, a webcam stream or a video, and shows the probability of each expression.
An expression is not a feeling: the network classifies what a face shows, not what a person feels.""",
        """# 面部表情识别：只需 58,047 个参数
检测照片、摄像头画面或视频中的每一张人脸，并给出各类表情的概率。
表情不等于情绪：模型识别的是脸上呈现的表情，而不是人的内心感受。""",
    ),
    "photo": ("Photo", "照片"),
    "faces": ("Faces", "人脸"),
    "faces_alt": ("The image with a box around each face", "用方框标出每张人脸的图像"),
    "examples": ("Examples", "示例"),
    "table": ("Table", "表格"),
    "json": ("JSON", "JSON"),
    "probabilities": ("Probabilities", "概率"),
    "face": ("face", "人脸"),
    "waiting": ("Choose a photo, or click one of the examples.", "请选择一张照片，或点击任一示例。"),
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
        "Click the camera icon, allow access, then press the record button. Camera frames are processed on this server "
        "and not stored.",
        "点击摄像头图标并允许访问，然后按下录制按钮。画面在本服务器上处理，不会保存。",
    ),
    "camera_waiting": ("The camera is off.", "摄像头未开启。"),
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
    "in_browser": ("In your browser", "浏览器本地识别"),
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
    "table_file": ("Table of all faces (CSV)", "所有人脸的表格（CSV）"),
    "video_waiting": (
        "Choose a video, or click the example, then press “Annotate video”.",
        "请选择一个视频或点击示例，然后按“开始识别”。",
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
        "The network is trained on randomly augmented faces like these. A prediction is stable if it stays the same "
        "for all of them.",
        "模型就是用这样随机增强的人脸训练的。如果所有增强图像的识别结果都相同，这个结果就是稳定的。",
    ),
    "preset": ("Preset", "预设"),
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
