// Run when the page loads. Gradio replaces the results, so the listeners are on the document.
() => {
    const parts = element => {
        const number = element.closest?.("[data-face]")?.dataset.face;
        return number ? element.closest(".result").querySelectorAll(`[data-face="${number}"]`) : [];
    };
    const mark = on => event => {
        for (const part of parts(event.target)) part.classList.toggle("marked", on);
    };
    for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, mark(true));
    for (const kind of ["pointerout", "focusout"]) document.addEventListener(kind, mark(false));

    /** Draw the boxes and labels of a figure over its photo, and return a data URL. */
    const annotate = figure => {
        const photo = figure.querySelector("img");
        const canvas = Object.assign(document.createElement("canvas"), {
            width: photo.naturalWidth, height: photo.naturalHeight,
        });
        const pen = canvas.getContext("2d");
        pen.drawImage(photo, 0, 0);
        const line = Math.max(2, Math.round(Math.max(canvas.width, canvas.height) / 300));
        const size = 6 * line;
        pen.font = `600 ${size}px system-ui, sans-serif`;
        pen.textBaseline = "top";
        for (const box of figure.querySelectorAll(".box")) {
            const [x, y, width, height] = ["left", "top", "width", "height"].map(
                (side, i) => parseFloat(box.style[side]) / 100 * (i % 2 ? canvas.height : canvas.width));
            const colour = box.style.getPropertyValue("--colour"), label = box.textContent;
            for (const [stroke, thick] of [["black", line + 2], [colour, line]]) {
                Object.assign(pen, {strokeStyle: stroke, lineWidth: thick});
                pen.strokeRect(x, y, width, height);
            }
            const top = y > 1.5 * size ? y - 1.5 * size : Math.min(y + height, canvas.height - 1.5 * size);
            const left = Math.max(0, Math.min(x, canvas.width - pen.measureText(label).width - size));
            pen.fillStyle = colour;
            pen.fillRect(left, top, pen.measureText(label).width + size, 1.5 * size);
            pen.fillStyle = box.style.getPropertyValue("--ink");
            pen.fillText(label, left + size / 2, top + size / 4);
        }
        return canvas.toDataURL("image/jpeg", 0.9);
    };

    document.addEventListener("click", event => {
        if (event.target.closest(".box"))
            for (const part of parts(event.target)) if (part.matches(".face")) part.focus();
        const save = event.target.closest(".save-image");
        if (save) save.href = annotate(save.closest("figure"));
    }, {capture: true});
}
