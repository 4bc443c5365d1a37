"""Every word a visitor reads, in English and Chinese.

Gradio translates what stands on the page from the start (:data:`I18N`); what a handler answers is in the language that
the visitor's browser asks for (:func:`language_of`).
"""

from __future__ import annotations

import gradio as gr

#: key → English, Chinese.
TEXTS: dict[str, tuple[str, str]] = {
    "introduction": (
        """# Facial expressions, read by 58,047 parameters
Every face in a photo, on a webcam or in a video, with its expression and how probable each one is.
An expression is not a feeling: this reads what a face shows, not what a person feels.""",
        """# 58,047 个参数读懂面部表情
找出照片、摄像头或视频里的每一张脸，给出表情和每一类的概率。
表情不等于情绪：这里读的是脸上的表现，而不是人的内心感受。""",
    ),
    "photo": ("Photo", "照片"),
    "faces": ("Faces", "人脸"),
    "faces_alt": ("The photo with a box around every face", "每张脸都画了框的照片"),
    "examples": ("Examples, in one click", "示例，点一下即可"),
    "table": ("Table", "表格"),
    "json": ("JSON", "JSON"),
    "probabilities": ("Probabilities", "概率"),
    "face": ("face", "人脸"),
    "waiting": ("Choose a photo, or click one of the examples.", "请选择一张照片，或点击一个示例。"),
    "reading": ("Reading…", "识别中……"),
    "no_face": (
        "<b>No face found.</b> A face must be at least 40 pixels wide, upright, and turned roughly to the camera.",
        "<b>没有找到人脸。</b>人脸至少要有 40 像素宽，姿态端正，并大致朝向镜头。",
    ),
    "unreadable": (
        "This photo could not be read; the reason stands in the notice. If the page is busy, try again in a moment.",
        "无法读取这张照片；原因见提示。如果提示 busy，说明访客较多，请稍后再传一次。",
    ),
    "webcam": ("Webcam", "摄像头"),
    "camera": ("Camera", "摄像头"),
    "camera_help": (
        "Click the camera, allow it, then press the record button. Each picture is read on this server and forgotten.",
        "点击摄像头图标并允许使用，然后按录制按钮。每一帧都在本服务器上识别，随后即被丢弃。",
    ),
    "camera_waiting": ("The camera is off.", "摄像头未开启。"),
    "camera_refused": (
        "The browser was not allowed to use the camera. Click the camera or lock icon beside the address, allow the "
        "camera for this site, and reload the page.",
        "浏览器没有使用摄像头的权限。请点击地址栏旁的摄像头或锁形图标，允许本站使用摄像头，然后刷新页面。",
    ),
    "camera_missing": (
        "No camera was found. Connect one and reload the page, or drop a picture on the Photo tab.",
        "没有找到摄像头。请连接摄像头后刷新页面，或在“照片”页上传图片。",
    ),
    "camera_taken": (
        "The camera gives no picture; another program may be using it. Close that one and reload the page.",
        "摄像头没有画面，可能正被其他程序占用。请关闭该程序后刷新页面。",
    ),
    "camera_insecure": (
        "Browsers give the camera to pages over HTTPS or on localhost alone; this page came over plain HTTP.",
        "浏览器只允许 HTTPS 或 localhost 页面使用摄像头；本页是通过普通 HTTP 打开的。",
    ),
    "camera_busy": (
        "The page is busy. The camera tries again every few seconds.",
        "访客较多，页面繁忙。摄像头会每隔几秒自动重试。",
    ),
    "smoothing": ("Smoothing in seconds", "平滑时间（秒）"),
    "smoothing_info": (
        "0 shows each picture by itself; more is steadier and slower.",
        "0 表示逐帧显示；数值越大越平稳，也越慢。",
    ),
    "frames_per_s": ("{frames:.0f} frames a second", "每秒 {frames:.0f} 帧"),
    "last_30_s": ("Probabilities of the largest face in the last 30 seconds", "最大人脸近 30 秒的概率"),
    "in_browser": ("In your browser", "在你的浏览器里"),
    "in_browser_not_built": (
        "<b>This tab was not built.</b> It reads the camera on the visitor's own machine. In a checkout, run "
        "<code>make web</code> and start this page again.",
        "<b>本页尚未构建。</b>这里的识别在访客自己的设备上进行。"
        "请在代码目录中运行 <code>make web</code>，然后重新启动本页面。",
    ),
    "moving": ("Video", "视频"),  # Gradio has a key "video" of its own
    "clip": ("Clip", "视频片段"),
    "annotated_clip": ("Annotated clip, with its sound", "标注后的视频（保留声音）"),
    "read_clip": ("Read the clip", "开始识别"),
    "cancel": ("Cancel", "取消"),
    "table_file": ("Table of all faces (CSV)", "全部人脸的表格（CSV）"),
    "clip_waiting": (
        "Choose a clip, or click the example, then press “Read the clip”.",
        "请选择一个视频或点击示例，然后按“开始识别”。",
    ),
    "clip_progress": ("{done:.1f} of {total:.1f} s", "{done:.1f} / {total:.1f} 秒"),
    "cancelled": ("Cancelled; nothing was kept.", "已取消，没有保留任何内容。"),
    "clip_unreadable": (
        "This clip could not be read; the reason stands in the notice.",
        "无法读取这段视频；原因见提示。",
    ),
    "clip_no_face": (
        "<b>No face found</b> in {frames} frames. A face must be at least 40 pixels wide, upright, and turned "
        "roughly to the camera.",
        "{frames} 帧中<b>没有找到人脸</b>。人脸至少要有 40 像素宽，姿态端正，并大致朝向镜头。",
    ),
    "clip_faces": ("{frames} frames, {faces} faces", "{frames} 帧，{faces} 张人脸"),
    "clip_more_faces": (
        "… and {faces} more that were seen for a shorter time; they are in the table.",
        "……另有 {faces} 张出现时间较短的人脸，见表格。",
    ),
    "clip_too_long": (
        "{name}: {duration:.0f} s long; this page reads clips of up to {limit} s",
        "{name}：长 {duration:.0f} 秒；本页最多识别 {limit} 秒的视频",
    ),
    "face_over_time": ("{name}: probabilities over time", "{name}：概率随时间的变化"),
    "forgotten": (
        "This file is not here any more: uploads are deleted after a minute. Choose it again.",
        "文件已不在服务器上：上传的内容一分钟后即删除。请重新选择。",
    ),
    "augmentation": ("Augmentation", "数据增强"),
    "augmentation_introduction": (
        "What the network is trained on: one face, changed at random. An answer that holds over all of them is a "
        "stable one.",
        "网络就是这样训练的：同一张脸，随机变化。在所有变化下都不变的答案才是稳定的答案。",
    ),
    "preset": ("Preset", "预设"),
    "seed": ("Seed", "随机种子"),
    "seed_info": ("The same seed gives the same pictures.", "种子相同，图像就相同。"),
    "another_seed": ("Another seed", "换一个种子"),
    "as_python": ("Copy as Python", "复制为 Python 代码"),
    "original": ("as it is", "原图"),
    "agreement": ("{share:.0%} of {n} say {emotion}", "{n} 张中有 {share:.0%} 判为{emotion}"),
    "stability": (
        "highest probability {mean:.0%} on average, ± {spread:.0%}",
        "最高概率平均 {mean:.0%}，标准差 ± {spread:.0%}",
    ),
    "whole_picture": (
        "No face was found, so the whole picture is taken for one.",
        "没有找到人脸，因此把整张图当作一张脸。",
    ),
    "choose_face": ("Choose a picture with a face.", "请选择一张有人脸的图片。"),
    "salt_and_pepper": ("Salt and pepper: share of pixels", "椒盐噪声：像素比例"),
    "brightness": ("Brightness: ± share", "亮度：± 比例"),
    "contrast": ("Contrast: ± share", "对比度：± 比例"),
    "blur": ("Blur: up to … pixels", "模糊：最大像素数"),
    "zoom": ("Zoom: ± share", "缩放：± 比例"),
    "shift": ("Shift: ± share of the side", "平移：± 边长比例"),
    "rotation": ("Rotation: ± degrees", "旋转：± 度"),
    "flip": ("Flip: probability", "镜像：概率"),
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

#: For what stands on the page: ``I18N("photo")``.
I18N = gr.I18n(
    en={key: english for key, (english, _) in TEXTS.items()},
    zh={key: chinese for key, (_, chinese) in TEXTS.items()},
)


def language_of(request: gr.Request | None) -> int:
    """Which of a text's languages a visitor reads: 1 for a browser that asks for Chinese first, else 0."""
    accepted = request.headers.get("accept-language", "") if request else ""
    return int(accepted.lower().startswith("zh"))


def text(key: str, language: int) -> str:
    """A text in a language."""
    return TEXTS[key][language]


def label_text(label: str, language: int) -> str:
    """The name of a label; one of another checkpoint's is its own name."""
    return LABELS[label][language] if label in LABELS else label
