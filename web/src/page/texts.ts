/** Every word a visitor reads, in English and Chinese; emotions and faults as `mini_xception/demo/texts.py` names them. */

export type Language = "en" | "zh";

/** key → English, Chinese. Emotions are keys of their own; a checkpoint's other labels are shown as they are. */
export const TEXTS = {
  title: ["Facial expressions, read on your own device", "面部表情，就在你自己的设备上识别"],
  introduction: [
    "Every face before the camera or in a photo, with its expression and how probable each one is.",
    "找出摄像头前或照片里的每一张脸，给出表情和每一类的概率。",
  ],
  private: ["Nothing leaves this device.", "任何内容都不会离开这台设备。"],
  private_check: [
    "To check: once the page is ready, turn the network off, and it goes on. Its Content-Security-Policy forbids every " +
      "other host.",
    "验证方法：页面就绪后断开网络，它照常工作。本页的 Content-Security-Policy 禁止访问任何其他主机。",
  ],
  not_a_feeling: [
    "An expression is not a feeling: this reads what a face shows, not what a person feels. Each answer is a small " +
      "network’s guess, and often wrong. Do not use it to decide about people.",
    "表情不等于情绪：这里读的是脸上的表现，而不是人的内心感受。每个结果都只是一个小网络的猜测，经常出错，不要用它来评判他人。",
  ],
  other_language: ["中文", "English"],
  picture: ["Picture", "画面"],
  faces_alt: ["The picture with a box around every face", "每张脸都画了框的画面"],
  start_camera: ["Start the camera", "打开摄像头"],
  stop_camera: ["Stop the camera", "关闭摄像头"],
  close_photo: ["Close the photo", "关闭照片"],
  choose_photo: ["Choose a photo", "选择照片"],
  drop: ["or drop one here, or paste it", "也可以拖到这里，或直接粘贴"],
  mirror: ["Mirror", "镜像"],
  mirror_help: ["As in a mirror; what is read stays the same", "像照镜子一样显示；识别结果不变"],
  loading: ["Loading the networks…", "正在加载网络……"],
  ready: ["Ready", "已就绪"],
  ready_offline: ["Ready, also without a network", "已就绪，断网也能用"],
  starting: ["Starting the camera; allow it if the browser asks…", "正在打开摄像头，如浏览器询问请允许……"],
  reading: ["Reading…", "识别中……"],
  speed: ["{frames} frames a second · {ms} ms", "每秒 {frames} 帧 · {ms} 毫秒"],
  photo_speed: ["Read in {ms} ms", "用时 {ms} 毫秒"],
  faces: ["Faces", "人脸"],
  face: ["face", "人脸"],
  show_face: ["Show face {id} in the timeline", "在时间轴上显示人脸 {id}"],
  no_face: [
    "No face found. A face must be at least 40 pixels wide, upright, and turned roughly to the camera.",
    "没有找到人脸。人脸至少要有 40 像素宽，姿态端正，并大致朝向镜头。",
  ],
  heard: ["Face {id}: {emotion}", "人脸 {id}：{emotion}"],
  heard_none: ["No face", "没有人脸"],
  last_30_s: ["The largest face in the last 30 seconds", "最大人脸近 30 秒的概率"],
  last_30_s_of: ["Face {id} in the last 30 seconds", "人脸 {id} 近 30 秒的概率"],
  now: ["now", "现在"],
  save_csv: ["Save as CSV", "保存为 CSV"],
  save_csv_help: [
    "Every reading since the camera was started, at most of the last hour",
    "自打开摄像头以来的全部结果，最多一小时",
  ],
  camera_refused: [
    "The browser was not allowed to use the camera. Click the camera or lock icon beside the address, allow the camera " +
      "for this site, and reload the page.",
    "浏览器没有使用摄像头的权限。请点击地址栏旁的摄像头或锁形图标，允许本站使用摄像头，然后刷新页面。",
  ],
  camera_missing: [
    "No camera was found. Connect one and start again, or choose a photo.",
    "没有找到摄像头。请连接摄像头后重试，或选择一张照片。",
  ],
  camera_taken: [
    "The camera gives no picture; another program may be using it. Close that one and start again.",
    "摄像头没有画面，可能正被其他程序占用。请关闭该程序后重试。",
  ],
  camera_insecure: [
    "Browsers give the camera to pages over HTTPS or on localhost alone; this page came over plain HTTP. A photo can " +
      "still be read.",
    "浏览器只允许 HTTPS 或 localhost 页面使用摄像头；本页是通过普通 HTTP 打开的。照片仍可识别。",
  ],
  camera_gone: ["The camera was disconnected. Connect it and start again.", "摄像头已断开。请重新连接后再打开。"],
  no_simd: [
    "This browser lacks WebAssembly SIMD, which the networks need. Update it, or use another: Chrome and Edge from 110, " +
      "Firefox from 121, Safari from 16.4.",
    "此浏览器不支持识别所需的 WebAssembly SIMD。请更新或更换浏览器：Chrome、Edge 110，Firefox 121，Safari 16.4 或更新版本。",
  ],
  no_download: [
    "The networks could not be downloaded. Check the connection and reload the page. If this page is yours: “make web” " +
      "writes them to its folder “models”.",
    "无法下载网络。请检查网络连接后刷新页面。如果本页由你部署：用 make web 把它们写入 models 文件夹。",
  ],
  bad_checkpoint: [
    "The networks are damaged, or no exported checkpoint. If this page is yours: “make web” writes them anew.",
    "网络文件已损坏，或不是导出的检查点。如果本页由你部署：用 make web 重新生成。",
  ],
  lost_device: ["The graphics processor stopped answering. Reload the page.", "图形处理器停止响应。请刷新页面。"],
  bad_picture: [
    "This file is no picture that the browser can read. Choose a JPEG, PNG, WebP, GIF or BMP file.",
    "浏览器无法读取这个文件。请选择 JPEG、PNG、WebP、GIF 或 BMP 图片。",
  ],
  other: [
    "Something went wrong; the browser’s console says what. Reload the page.",
    "出错了，详情见浏览器控制台。请刷新页面。",
  ],
} as const satisfies Record<string, readonly [string, string]>;

const LABELS: Readonly<Record<string, readonly [string, string]>> = {
  angry: ["angry", "生气"],
  disgust: ["disgust", "厌恶"],
  fear: ["fear", "恐惧"],
  happy: ["happy", "高兴"],
  sad: ["sad", "悲伤"],
  surprise: ["surprise", "惊讶"],
  neutral: ["neutral", "中性"],
};

export type TextKey = keyof typeof TEXTS;

/** The language of a visitor whose browser asks for this one first, such as `zh-CN`. */
export function languageOf(preferred: string): Language {
  return preferred.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** A text in a language, with a value for each `{name}` in it. */
export function text(key: TextKey, language: Language, values: Record<string, string | number> = {}): string {
  return TEXTS[key][language === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** The name of a label; one that this page has no word for is its own name. */
export function labelText(label: string, language: Language): string {
  return Object.hasOwn(LABELS, label) ? LABELS[label][language === "zh" ? 1 : 0] : label;
}

/** A probability in whole percent. */
export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
