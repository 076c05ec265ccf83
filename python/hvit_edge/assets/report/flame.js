"use strict";
// Zoom and search in flame charts. The boxes are in the page already; without this they stand still.
for (const chart of document.querySelectorAll(".flame")) {
  const svg = chart.querySelector("svg");
  const boxes = [...svg.querySelectorAll("g")];
  const search = chart.querySelector("input");
  const found = chart.querySelector("output");
  const whole = Number(svg.dataset.whole);
  const height = svg.viewBox.baseVal.height;
  const letter = 7;
  let from = 0;
  let span = whole;

  const place = () => {
    const width = Math.max(chart.clientWidth, 240);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    for (const box of boxes) {
      const start = Math.max(Number(box.dataset.start), from);
      const end = Math.min(Number(box.dataset.start) + Number(box.dataset.cost), from + span);
      const x = (width * (start - from)) / span;
      const wide = Math.max((width * (end - start)) / span, 0);
      box.style.display = wide > 0 ? "" : "none";
      const [shape, text] = [box.querySelector("rect"), box.querySelector("text")];
      shape.setAttribute("x", x);
      shape.setAttribute("width", wide);
      text.setAttribute("x", x + 4);
      const letters = Math.floor((wide - 6) / letter);
      text.textContent = letters >= 2 ? box.dataset.label.slice(0, letters) : "";
    }
  };

  const zoom = (start, cost) => {
    [from, span] = cost > 0 ? [start, cost] : [0, whole];
    place();
  };

  const mark = () => {
    const wanted = search.value.trim().toLowerCase();
    let cost = 0;
    let last = -1;
    for (const box of boxes) {
      const fits = wanted !== "" && box.dataset.text.toLowerCase().includes(wanted);
      box.classList.toggle("found", fits);
      // Boxes are in the order of their start: what is inside of a counted box is not counted again.
      if (fits && Number(box.dataset.start) >= last) {
        cost += Number(box.dataset.cost);
        last = Number(box.dataset.start) + Number(box.dataset.cost);
      }
    }
    svg.classList.toggle("searched", wanted !== "");
    found.textContent = wanted === "" ? "" : `${((100 * cost) / whole).toFixed(2)} % of the time`;
    if (svg.dataset.unit !== "ns") found.textContent = found.textContent.replace("time", "cost");
  };

  const focus = (index) => {
    const box = boxes[index];
    if (!box || box.style.display === "none") return;
    for (const each of boxes) each.setAttribute("tabindex", each === box ? "0" : "-1");
    box.focus();
  };

  svg.addEventListener("click", (event) => {
    const box = event.target.closest("g");
    if (box) zoom(Number(box.dataset.start), Number(box.dataset.cost));
  });
  svg.addEventListener("keydown", (event) => {
    const index = boxes.indexOf(event.target.closest("g"));
    if (event.key === "Enter" || event.key === " ") {
      zoom(Number(boxes[index].dataset.start), Number(boxes[index].dataset.cost));
    } else if (event.key === "ArrowRight" || event.key === "ArrowDown") focus(index + 1);
    else if (event.key === "ArrowLeft" || event.key === "ArrowUp") focus(index - 1);
    else if (event.key === "Escape") zoom(0, whole);
    else return;
    event.preventDefault();
  });
  chart.querySelector("button").addEventListener("click", () => zoom(0, whole));
  search.addEventListener("input", mark);
  addEventListener("resize", place);
  for (const hidden of chart.querySelectorAll("[hidden]")) hidden.hidden = false;
  place();
}
