"""Theme, CSS and script of the page. It uses system fonts, so it sends no third-party requests."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

THEME = gr.themes.Soft(
    primary_hue="sky",
    secondary_hue="sky",
    neutral_hue="slate",
    font=["system-ui", "sans-serif"],
    font_mono=["ui-monospace", "monospace"],
).set(
    body_background_fill="*neutral_50",
    link_text_color="*primary_700",
    link_text_color_hover="*primary_800",
    link_text_color_visited="*primary_700",
    link_text_color_dark="*primary_300",
    link_text_color_hover_dark="*primary_200",
    link_text_color_visited_dark="*primary_300",
    block_border_width="1px",
    block_shadow="none",
    block_shadow_dark="none",
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

#: The page's own CSS.
CSS = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
#: The page's script, a function that runs when the page has loaded.
SCRIPT = (Path(__file__).parent / "page.js").read_text(encoding="utf-8")
