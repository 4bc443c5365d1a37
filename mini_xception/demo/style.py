"""Theme and CSS of the page. It uses system fonts, so it sends no third-party requests."""

from __future__ import annotations

import gradio as gr

THEME = gr.themes.Soft(
    primary_hue="sky",
    neutral_hue="slate",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    # The theme's own colours have less contrast than the 4.5:1 that WCAG AA requires.
    block_label_text_color="*primary_800",
    block_label_text_color_dark="white",
    block_label_background_fill_dark="*primary_800",
    block_title_text_color="*primary_800",
    block_title_text_color_dark="white",
    block_title_background_fill_dark="*primary_800",
    block_info_text_color="*neutral_600",
    block_info_text_color_dark="*neutral_300",
    body_text_color_subdued="*neutral_600",
    body_text_color_subdued_dark="*neutral_300",
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_800",
    checkbox_label_background_fill_selected="*primary_700",
    checkbox_label_background_fill_selected_dark="*primary_800",
)

CSS = """
.gradio-container { max-width: 1180px !important; margin: 0 auto !important; }
button[role=tab][aria-selected=true] { color: var(--body-text-color) !important; font-weight: 600; }
#introduction h1 { margin-bottom: 0.3em; }
.faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(340px, 100%), 1fr)); gap: 12px; }
.face { display: flex; gap: 14px; padding: 14px; border-radius: 12px;
        border: 1px solid var(--border-color-primary); background: var(--background-fill-primary); }
.face > img { width: 88px; height: 88px; border-radius: 8px; object-fit: cover; flex: none; }
.face > div { flex: 1; min-width: 0; }
.face h2 { display: flex; justify-content: space-between; align-items: baseline; gap: 8px; white-space: nowrap;
           margin: 0 0 6px; font-size: 1.05rem; color: var(--body-text-color); }
.face small { font-weight: 400; font-size: 0.8rem; color: var(--body-text-color-subdued); }
.bar { display: grid; grid-template-columns: 62px 1fr 40px; gap: 8px; align-items: center;
       font-size: 0.8rem; line-height: 1.5; color: var(--body-text-color); }
.track { height: 9px; border-radius: 5px; background: var(--border-color-primary); overflow: hidden; }
.track i { display: block; height: 100%; border-radius: 5px; box-shadow: inset 0 0 0 1px rgb(0 0 0 / 30%); }
.bar .value { text-align: right; font-variant-numeric: tabular-nums; }
.bar.top { font-weight: 700; }
.prose.answer { padding: 0 !important; }
.prose.answer:not(:has(.faces)) { padding: 18px !important; border-radius: 12px;
    border: 1px dashed var(--border-color-primary); color: var(--body-text-color); }
.views { display: grid; grid-template-columns: repeat(8, 1fr); gap: 8px; margin: 0; padding: 0; }
.view { margin: 0; text-align: center; font-size: 0.8rem; line-height: 1.35; color: var(--body-text-color); }
.view img { width: 100%; aspect-ratio: 1; border-radius: 6px; image-rendering: pixelated; }
.view.differs img { outline: 3px dashed var(--body-text-color); outline-offset: -3px; }
.live { grid-template-columns: 3fr 2fr; }
.live > :first-child img { width: 100%; border-radius: 12px; display: block; }
.live .timeline { grid-column: 1 / -1; }
.timelines { grid-template-columns: repeat(auto-fill, minmax(min(420px, 100%), 1fr)); }
.timelines > p { grid-column: 1 / -1; margin: 0; }
.track.progress i { background: var(--primary-700); }
.speed { color: var(--body-text-color-subdued); }
.timeline { width: 100%; }
.timeline text { font-size: 13px; fill: var(--body-text-color); }
.timeline .axis { stroke: var(--border-color-primary); }
.timeline .area { stroke: var(--body-text-color); stroke-width: 0.6; }
#camera-notice { margin: 0; padding: 12px; border-radius: 8px; border: 2px solid var(--body-text-color);
    color: var(--body-text-color); font-weight: 600; }
#browser iframe { display: block; width: 100%; height: 85vh; min-height: 640px; border: 0; }
@media (max-width: 700px) {
    .live { grid-template-columns: 1fr; }
    .views { grid-template-columns: repeat(4, 1fr); }
    .face { gap: 10px; padding: 10px; }
    .face > img { width: 64px; height: 64px; }
    .tab-container button { padding: 0 6px !important; font-size: 0.9rem !important; }
}
.stability { margin: 0 0 12px; font-size: 1.05rem; color: var(--body-text-color); }
.stability small { display: block; font-size: 0.85rem; color: var(--body-text-color-subdued); }

/* Gradio hides what overflows, so nothing could be sticky. */
.gradio-container { overflow: clip !important; }
/* Video tab: player.js connects the summary to the player. */
#video-tab:has(#annotated-video video) :is(#video, #video-buttons, #video-examples),
#video-tab:not(:has(#annotated-video video)) :is(#annotated-video, #another-video), #video-table { display: none; }
#video-side { align-self: flex-start; }
.summary { display: flex; flex-direction: column; gap: 0; color: var(--body-text-color); }
.summary p { margin: 0 0 8px; }
.summary h2 { margin: 16px 0 2px; font-size: 1.05rem; }
.summary h3 { display: flex; gap: 8px; align-items: baseline; margin: 12px 0 0; font-size: 0.9rem; }
.summary .now { padding: 8px 12px; border-radius: 8px; font-variant-numeric: tabular-nums;
    border: 1px solid var(--border-color-primary); background: var(--background-fill-primary); }
.summary .count, .summary small { color: var(--body-text-color-subdued); font-size: 0.8rem; font-weight: 400; }
.summary small { display: block; white-space: nowrap; }
.people { width: 100%; margin: 0 0 8px !important; border: 0 !important; font-size: 0.9rem; }
.people :is(thead, tbody, tr) { border: 0 !important; background: none !important; }
.people :is(th, td) { padding: 8px 12px 8px 0 !important; border: 0 !important; text-align: start;
    vertical-align: top; }
.people tr { border-bottom: 1px solid var(--border-color-primary) !important; }
.people thead th { padding: 0 0 4px !important; font-size: 0.8rem; font-weight: 600;
    color: var(--body-text-color-subdued) !important; }
.people tbody th div { display: flex; gap: 10px; align-items: flex-start; }
.people img { width: 60px; height: 60px; margin: 0 !important; border-radius: 8px; flex: none; }
.people td:nth-child(2) { width: 45%; }
.people ul { display: flex; flex-wrap: wrap; gap: 2px 12px; margin: 0; padding: 0; list-style: none;
    font-size: 0.8rem; }
.people li { display: flex; align-items: center; gap: 5px; margin: 0 !important; padding: 0 !important; }
.people li i { width: 10px; height: 10px; border-radius: 3px; box-shadow: inset 0 0 0 1px rgb(0 0 0 / 30%); }
.shares { display: flex; height: 12px; margin: 4px 0; border-radius: 6px; overflow: hidden; }
.shares i { box-shadow: inset 0 0 0 1px rgb(0 0 0 / 30%); }
.downloads { display: flex; flex-wrap: wrap; gap: 6px; align-items: center; margin-bottom: 12px; }
.downloads a { padding: 5px 9px; border-radius: 8px; font-size: 0.85rem; text-decoration: none !important;
    border: 1px solid var(--border-color-primary); color: var(--button-secondary-text-color) !important;
    background: var(--button-secondary-background-fill); }
.downloads [data-file=annotated] { color: var(--button-primary-text-color) !important; font-weight: 600;
    background: var(--button-primary-background-fill); }
.seekable { position: relative; }
.seekable svg { display: block; }
/* The slider covers the chart without its labels and its axis: LABEL_WIDTH, WIDTH and AXIS_HEIGHT in timeline.py. */
.seek { position: absolute; inset: 0 0 8%; left: calc(84% / 6.4); cursor: pointer; touch-action: pan-y; }
.seek i { position: absolute; top: 0; bottom: 0; left: calc(100% * var(--played, 0)); width: 2px; margin-left: -1px;
    background: var(--body-text-color); box-shadow: 0 0 0 1px var(--background-fill-primary); }
:is(.seek, .downloads a):focus-visible { outline: 3px solid var(--primary-500); outline-offset: 2px; }
@media (prefers-reduced-motion: no-preference) { .seek i { transition: left 0.2s linear; } }
.dark :is(#video-tab, #augmentation) { --button-secondary-background-fill-hover: var(--neutral-700);
    --button-primary-background-fill-hover: var(--primary-700); }
/* While one scrolls through the timelines, the video stays in view. */
#video-side:has(#annotated-video video) { position: sticky; top: 0; z-index: 2; padding-top: 8px;
    background: var(--body-background-fill); }
@media (max-width: 700px) {
    #video-side :is(#video, #annotated-video) { height: 230px !important; }
    .summary > :not(.now, .people, .count) { order: 1; }
    .people thead { position: absolute; clip-path: inset(50%); }
    .people tbody tr { display: grid; grid-template-columns: 2fr 1fr; column-gap: 16px; }
    .people tbody th { grid-column: 1 / -1; }
    .people tbody :is(th, td) { width: auto !important; padding: 4px 0 !important; }
}

/* Augmentation tab. */
#presets { align-items: center; }
#presets > .form { flex: 1 1 440px; }
#preset-origin { flex: 1 1 320px; }
#views .answer:not(:has(.view)) { min-height: 300px; }
#views > div p { margin: 0 0 8px; color: var(--body-text-color); }
.before-after { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; margin-bottom: 10px; }
.before-after .view { font-size: 0.95rem; font-weight: 600; }
.sliders h3 { margin: 0; padding: 8px 14px 0; font-size: 0.95rem; }
.sliders .block { padding-block: 4px !important; }
@media (min-width: 701px) { #augmented { align-self: flex-start; position: sticky; top: 8px; } }
@media (max-width: 700px) { .before-after { gap: 8px; } }
"""
