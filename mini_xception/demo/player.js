// Connects the summary of a video to Gradio's player: timelines that seek, a playhead, subtitles, and downloads.
// Gradio runs this once, when the Video tab is first shown. `element` contains the summary.
const tab = element.closest("#video-tab");
const player = () => tab.querySelector("#annotated-video video");
const clock = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
let kept = ""; // The annotated video, once the browser has it. The server deletes its own copy after a minute.

const show = () => {
  const video = player();
  const now = tab.querySelector(".now");
  if (!video || !now) return;
  for (const slider of tab.querySelectorAll(".seek")) {
    const share = Math.min(video.currentTime / Number(slider.ariaValueMax), 1);
    slider.style.setProperty("--played", share);
    slider.ariaValueNow = video.currentTime.toFixed(2);
    slider.ariaValueText = clock(video.currentTime);
  }
  // A paused video has no active cues before it was first played.
  const cues = [...(video.querySelector("track.ours")?.track.cues ?? [])];
  const cue = cues.find(({ startTime, endTime }) => startTime <= video.currentTime && video.currentTime < endTime);
  const lines = cue?.getCueAsHTML().textContent.split("\n") ?? [now.dataset.idle];
  now.textContent = [clock(video.currentTime), ...lines].map((line) => line.replaceAll(" ", "\u00a0")).join(" · ");
};

const keep = async (video) => {
  const url = video.src;
  const response = await fetch(url);
  if (!response.ok) return;
  const blob = await response.blob();
  if (video.src !== url) return;
  URL.revokeObjectURL(kept);
  kept = URL.createObjectURL(blob);
  const [time, playing] = [video.currentTime, !video.paused];
  video.src = kept;
  video.currentTime = time;
  if (playing) video.play();
  tab.querySelector(".downloads [data-file=annotated]").href = kept;
};

const connect = () => {
  const video = player();
  const subtitles = tab.querySelector(".downloads [data-file=subtitles]");
  if (!video?.src || !subtitles) return;
  const annotated = tab.querySelector(".downloads [data-file=annotated]");
  if (!video.src.startsWith("blob:")) {
    annotated.href = video.src;
    keep(video).catch(() => {}); // The link to the server remains.
  }
  video.querySelector("track.ours")?.remove();
  const track = document.createElement("track");
  Object.assign(track, { className: "ours", kind: "subtitles", label: subtitles.textContent, src: subtitles.href });
  track.onload = show;
  video.append(track);
  track.track.mode = "hidden"; // Loaded, and shown beside the video. The boxes in the video bear the same words.
  show();
};

// The events of media do not bubble, but they can be captured.
for (const event of ["timeupdate", "seeking", "seeked"]) tab.addEventListener(event, show, true);
tab.addEventListener("loadedmetadata", (event) => event.target === player() && connect(), true);
watch("value", () => {
  connect();
  const video = tab.querySelector("#annotated-video");
  if (!tab.querySelector(".summary")) return;
  const { top, bottom } = video.getBoundingClientRect();
  if (top < 0 || bottom > innerHeight) tab.scrollIntoView();
});

const seek = (slider, time) => {
  const video = player();
  if (video) video.currentTime = Math.max(0, Math.min(time, Number(slider.ariaValueMax), video.duration || 0));
};
const seekTo = (slider, event) => {
  const { left, width } = slider.getBoundingClientRect();
  seek(slider, (Number(slider.ariaValueMax) * (event.clientX - left)) / width);
};
tab.addEventListener("pointerdown", (event) => {
  const slider = event.target.closest?.(".seek");
  if (!slider || event.button) return;
  slider.setPointerCapture(event.pointerId);
  seekTo(slider, event);
});
tab.addEventListener("pointermove", (event) => {
  const slider = event.target.closest?.(".seek");
  if (slider?.hasPointerCapture(event.pointerId)) seekTo(slider, event);
});
tab.addEventListener("keydown", (event) => {
  const slider = event.target.closest?.(".seek");
  const video = player();
  if (!slider || !video) return;
  const end = Number(slider.ariaValueMax);
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: end / 10, PageDown: -end / 10 };
  if (event.key in steps) seek(slider, video.currentTime + steps[event.key]);
  else if (event.key === "Home") seek(slider, 0);
  else if (event.key === "End") seek(slider, end);
  else if (event.key !== "Enter" && event.key !== " ") return;
  else if (video.paused) video.play();
  else video.pause();
  event.preventDefault();
});
tab.addEventListener("click", (event) => {
  if (!event.target.closest?.(".downloads [data-file=frames]")) return;
  event.preventDefault();
  tab.querySelector("#video-table").click();
});
