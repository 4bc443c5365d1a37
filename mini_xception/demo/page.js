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

    // The colours of mini_xception.explain: parts of a face that are evidence for an expression, and against it.
    const FOR = [213, 94, 0], AGAINST = [0, 114, 178], OPACITY = 0.7;

    /** Draw values from −1 to 1, one pixel each. The browser interpolates between them when it enlarges the canvas. */
    const drawHeat = (canvas, values) => {
        [canvas.height, canvas.width] = [values.length, values[0].length];
        const pixels = values.flat().flatMap(
            value => [...(value > 0 ? FOR : AGAINST), Math.round(255 * OPACITY * Math.abs(value))]);
        canvas.getContext("2d").putImageData(
            new ImageData(new Uint8ClampedArray(pixels), canvas.width, canvas.height), 0, 0);
    };
    /** Show the evidence for a bar's expression in its card, or hide the evidence. */
    const explain = (card, bar) => {
        card.classList.toggle("explained", Boolean(bar));
        card.querySelector(".show-evidence").setAttribute("aria-pressed", Boolean(bar));
        for (const other of card.querySelectorAll(".bar")) {
            other.tabIndex = bar ? 0 : -1;
            other.setAttribute("aria-pressed", other === bar);
        }
        if (bar) drawHeat(card.querySelector("canvas"), JSON.parse(bar.dataset.heat));
    };

    document.addEventListener("click", event => {
        const card = event.target.closest(".face");
        const bar = event.target.closest("button.bar");
        if (bar) explain(card, bar);
        else if (event.target.closest(".show-evidence"))
            explain(card, card.matches(".explained") ? null : card.querySelector(".bar.top"));
        if (event.target.closest(".box"))
            for (const part of parts(event.target)) if (part.matches(".face")) part.focus();
        const save = event.target.closest(".save-image");
        if (save) save.href = annotate(save.closest("figure"));
    }, {capture: true});
}
