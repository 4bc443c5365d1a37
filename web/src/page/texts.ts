/** All texts of the page, in English and Chinese. Emotions have the same names as in `mini_xception/demo/texts.py`. */

export type Language = "en" | "zh";

/** Key → English, Chinese. */
export const TEXTS = {
  title: ["Facial expression recognition on your device", "在你的设备上识别面部表情"],
  introduction: [
    "Shows the expression of every face in a photo or in front of the camera.",
    "识别照片或摄像头画面中每张人脸的表情。",
  ],
  private: ["Nothing leaves this device.", "数据不会离开这台设备。"],
  private_check: [
    "To check that no image leaves this device, disconnect from the network once the page is ready: everything keeps " +
      "working. The page’s Content-Security-Policy blocks all third-party requests.",
    "想验证图像没有离开设备？页面就绪后断开网络，功能照常可用。页面的 Content-Security-Policy 会拦截所有第三方请求。",
  ],
  private_posting: ["Images stay on this device.", "图像不会离开这台设备。"],
  posting: [
    "The page around this frame, {origin}, receives the results: expressions and positions of the faces.",
    "嵌入本页的网站 {origin} 会收到识别结果，即人脸的表情和位置。",
  ],
  post_invalid: [
    "“?post={value}” is not an origin such as https://example.org, without a path. The results are not posted.",
    "“?post={value}”不是有效的源。应形如 https://example.org，不含路径。识别结果不会发送。",
  ],
  post_unframed: [
    "“?post=” works only in a frame of another page. The results are not posted.",
    "“?post=”只在嵌入其他页面时有效。识别结果不会发送。",
  ],
  post_elsewhere: [
    "“?post={value}” is not the origin of the page around this frame. The results are not posted.",
    "“?post={value}”与嵌入本页的网站不一致。识别结果不会发送。",
  ],
  not_a_feeling: [
    "An expression is not a feeling: the network classifies what a face shows, not what a person feels. It is small, " +
      "and its predictions are often wrong. Do not use them to make decisions about people.",
    "表情不等于情绪：模型识别的是脸上呈现的表情，而不是人的内心感受。模型很小，预测经常出错，请勿据此对他人做出任何决定。",
  ],
  other_language: ["中文", "English"],
  viewer: ["Camera or photo", "摄像头或照片"],
  photo_alt: ["The photo with a box around each face", "用方框标出每张人脸的照片"],
  example_alt: ["Example: two portraits with a box around each face", "示例：两张肖像，每张人脸都有方框"],
  example: ["Example photo", "示例照片"],
  example_done: ["Example photo, classified on this device in {ms} ms", "示例照片，已在本机识别，用时 {ms} 毫秒"],
  invitation: ["Try your own", "换成你自己的"],
  start_camera: ["Start the camera", "打开摄像头"],
  stop_camera: ["Stop the camera", "关闭摄像头"],
  close_photo: ["Close the photo", "关闭照片"],
  choose_photo: ["Choose a photo", "选择照片"],
  drop: ["or drop or paste one here", "也可拖放或粘贴到此处"],
  mirror: ["Mirror", "镜像"],
  mirror_help: ["Flip the camera view horizontally; the results stay the same", "左右翻转摄像头画面，不影响识别结果"],
  loading: ["Loading the models…", "正在加载模型……"],
  ready: ["Ready", "已就绪"],
  ready_offline: ["Ready – works offline", "已就绪，可离线使用"],
  starting: ["Starting the camera… Allow access if the browser asks.", "正在打开摄像头……如浏览器询问，请点击“允许”。"],
  processing: ["Processing…", "正在识别……"],
  speed: ["{frames} fps · {ms} ms per frame", "{frames} 帧/秒 · 每帧 {ms} 毫秒"],
  photo_speed: ["Done in {ms} ms", "用时 {ms} 毫秒"],
  faces: ["Faces", "人脸"],
  unsure: ["unsure", "不确定"],
  guess: ["perhaps {emotion}, {percent}", "可能是{emotion}，{percent}"],
  too_small: ["face too small", "人脸太小"],
  too_uncertain: ["no clear expression", "表情不明显"],
  show_evidence: ["Show evidence", "显示依据"],
  show_evidence_for: ["Show the evidence for “{emotion}”", "显示“{emotion}”的依据"],
  evidence: [
    "Orange is evidence for “{emotion}”, blue against it. The map is coarse.",
    "橙色支持“{emotion}”，蓝色相反。此图较粗略。",
  ],
  face: ["face {number}", "人脸 {number}"],
  show_face: ["Show face {number} in the timeline", "在时间轴上显示人脸 {number}"],
  no_face: [
    "No face found. The face should be larger, clearer, or turned towards the camera.",
    "未检测到人脸。人脸应更大、更清晰或更正对镜头。",
  ],
  announcement: ["Face {number}: {emotion}", "人脸 {number}：{emotion}"],
  announcement_none: ["No face", "没有人脸"],
  last_30_s: ["Largest face, last 30 seconds", "最大人脸，最近 30 秒"],
  last_30_s_of: ["Face {number}, last 30 seconds", "人脸 {number}，最近 30 秒"],
  now: ["now", "现在"],
  save: ["Save", "保存"],
  save_image: ["Image", "图像"],
  save_image_help: ["The image with the boxes, as JPEG", "带方框的图像，JPEG 格式"],
  save_table_help: [
    "All faces; for the camera, in all frames since it was started, up to one hour",
    "所有人脸；使用摄像头时，包含打开以来的所有帧，最多一小时",
  ],
  camera_refused: [
    "Camera access was denied. Click the camera or lock icon in the address bar, allow the camera for this site, and " +
      "reload the page.",
    "摄像头权限被拒绝。请点击地址栏中的摄像头或锁形图标，允许本站使用摄像头，然后刷新页面。",
  ],
  camera_missing: [
    "No camera found. Connect a camera and start again, or choose a photo.",
    "未找到摄像头。请连接摄像头后重试，或选择一张照片。",
  ],
  camera_in_use: [
    "The camera sends no image; another program may be using it. Close that program and start again.",
    "摄像头没有画面，可能正被其他程序占用。请关闭该程序后重试。",
  ],
  camera_insecure: [
    "Browsers allow camera access only over HTTPS or on localhost; this page was loaded over HTTP. You can still " +
      "choose a photo.",
    "浏览器只允许 HTTPS 或 localhost 页面使用摄像头，而本页面是通过 HTTP 打开的。你仍可选择照片。",
  ],
  camera_gone: ["The camera was disconnected. Connect it and start again.", "摄像头已断开。请重新连接后再打开。"],
  no_simd: [
    "This browser does not support WebAssembly SIMD. Update it, or use Chrome 110, Edge 110, Firefox 121, Safari 16.4 " +
      "or newer.",
    "此浏览器不支持 WebAssembly SIMD。请更新浏览器，或使用 Chrome 110、Edge 110、Firefox 121、Safari 16.4 及以上版本。",
  ],
  no_download: [
    "The models could not be downloaded. Check the connection and reload the page. If you host this page, run “make " +
      "web” to create its folder “models”.",
    "模型下载失败。请检查网络连接后刷新页面。如果本页由你部署，请运行 make web 生成 models 文件夹。",
  ],
  bad_checkpoint: [
    "The models are damaged, or are not an exported checkpoint. If you host this page, run “make web” to create them " +
      "again.",
    "模型文件已损坏，或不是导出的检查点。如果本页由你部署，请运行 make web 重新生成。",
  ],
  lost_device: ["The graphics card stopped responding. Reload the page.", "显卡停止响应。请刷新页面。"],
  bad_image: [
    "The browser cannot read this image. Choose a JPEG, PNG, WebP, GIF or BMP file.",
    "浏览器无法读取这张图片。请选择 JPEG、PNG、WebP、GIF 或 BMP 文件。",
  ],
  other: [
    "Something went wrong; the browser console has the details. Reload the page.",
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

/** Return the page's language for a browser that prefers a language such as `zh-CN`. */
export function languageOf(preferred: string): Language {
  return preferred.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Return a text in a language. Each `{name}` in it is replaced by its value. */
export function text(key: TextKey, language: Language, values: Record<string, string | number> = {}): string {
  return TEXTS[key][language === "zh" ? 1 : 0].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Return the name of a label in a language. A label that is not one of the seven emotions is returned unchanged. */
export function labelText(label: string, language: Language): string {
  return Object.hasOwn(LABELS, label) ? LABELS[label][language === "zh" ? 1 : 0] : label;
}

/** Format a probability as a whole percentage. */
export function percent(probability: number): string {
  return `${Math.round(probability * 100)}%`;
}
