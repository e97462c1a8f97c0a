// What a browser knows of a page and a test asks: each function answers with a list of what is wrong.
(() => {
  const probes = {};
  const visible = (node) => {
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    return box.width > 1 && box.height > 1 && style.visibility === "visible" && style.opacity !== "0" && !node.closest(".away");
  };
  const called = (node) => {
    const id = node.id ? "#" + node.id : "", kind = node.getAttribute("class");
    return node.tagName.toLowerCase() + id + (kind ? "." + kind.split(" ").join(".") : "") + " '" + (node.textContent || "").trim().slice(0, 40) + "'";
  };
  const parsed = (told) => {
    const found = /^rgba?\(([\d.]+)[, ]+([\d.]+)[, ]+([\d.]+)(?:[,/ ]+([\d.]+)(%?))?\)$/.exec(told);
    if (found) return [+found[1], +found[2], +found[3], found[4] === undefined ? 1 : +found[4] / (found[5] ? 100 : 1)];
    const wide = /^color\(srgb ([\d.]+) ([\d.]+) ([\d.]+)(?: \/ ([\d.]+))?\)$/.exec(told);
    return wide ? [255 * wide[1], 255 * wide[2], 255 * wide[3], wide[4] === undefined ? 1 : +wide[4]] : null;
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (colour) => {
    const [r, g, b] = colour.map((each) => { const s = each / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const ofNode = (node) => {
    const style = getComputedStyle(node);
    if (node instanceof SVGElement && node.tagName !== "svg") {
      if (node.tagName === "text" || node.tagName === "tspan") return null;
      const fill = style.fill === "none" ? null : parsed(style.fill);
      if (!fill) return null;
      fill[3] *= (parseFloat(style.fillOpacity) || 0) * (parseFloat(style.opacity) || 0);
      return fill;
    }
    return parsed(style.backgroundColor);
  };
  const underneath = (node, x, y) => {
    const stack = document.elementsFromPoint(x, y), layers = [];
    for (const each of stack) {
      if (each === node || node.contains(each)) continue;
      const colour = ofNode(each);
      if (!colour || !colour[3]) continue;
      layers.push(colour);
      if (colour[3] >= 0.999) break;
    }
    let found = parsed(getComputedStyle(document.documentElement).backgroundColor) || [255, 255, 255, 1];
    for (const colour of layers.reverse()) found = over(colour, found);
    return found;
  };

  // Check 2: axe cannot judge text and shapes of drawings.
  probes.drawings = () => {
    const wrong = [];
    for (const svg of document.querySelectorAll("main svg, aside svg")) {
      if (!visible(svg)) continue;
      svg.scrollIntoView({ block: "center" });
      for (const text of svg.querySelectorAll("text")) {
        if (!visible(text) || text.querySelector("tspan")) continue;
        const box = text.getBoundingClientRect(), colour = parsed(getComputedStyle(text).fill);
        if (!colour) { wrong.push("no colour: " + called(text)); continue; }
        const ground = underneath(text, box.x + box.width / 2, box.y + box.height / 2);
        const ratio = contrast(over(colour, ground), ground);
        if (ratio < 4.5) wrong.push("text " + ratio.toFixed(2) + ": " + called(text));
      }
      for (const shape of svg.querySelectorAll(".main-line, .main-dot, .up, .down, .r1, .r2, .r3, .r4, .column, .axis")) {
        if (!visible(shape) && shape.tagName !== "path" && shape.tagName !== "line") continue;
        const style = getComputedStyle(shape), ground = parsed(getComputedStyle(document.documentElement).getPropertyValue("--surface")) || parsed(getComputedStyle(svg.closest(".card") || document.documentElement).backgroundColor) || [255, 255, 255, 1];
        const colours = [style.fill, style.stroke].filter((each) => each !== "none").map(parsed).filter((each) => each && each[3] > 0);
        if (colours.length && Math.max(...colours.map((each) => contrast(over(each, ground), ground))) < 3) wrong.push("shape: " + called(shape));
      }
    }
    window.scrollTo(0, 0);
    return wrong;
  };

  // Check 5: landmarks.
  probes.landmarks = () => {
    const wrong = [];
    for (const tag of ["header", "main", "footer"]) if (document.querySelectorAll("body > " + tag).length !== 1) wrong.push("no single " + tag);
    for (const nav of document.querySelectorAll("nav")) if (!nav.getAttribute("aria-label") && !nav.getAttribute("aria-labelledby")) wrong.push("a nav without a name");
    const kept = "header, main, aside, footer, nav, .skip, [role=note], [role=alert], [role=status], template, script, dialog";
    for (const node of document.body.children) if (!node.matches(kept) && visible(node)) wrong.push("outside all landmarks: " + called(node));
    return wrong;
  };

  // Check 14: targets.
  probes.targets = () => {
    const wrong = [];
    for (const node of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [tabindex='0']")) {
      if (!visible(node) || node.closest(".skip")) continue;
      const box = node.getBoundingClientRect();
      if (box.width >= 23.5 && box.height >= 23.5) continue;
      const label = node.matches("input") && node.labels && node.labels[0] && node.labels[0].getBoundingClientRect();
      if (label && label.height >= 23.5) continue;
      const inline = getComputedStyle(node).display === "inline" && [...node.parentElement.childNodes].some((each) => each.nodeType === 3 && each.data.trim().length > 2);
      if (!inline) wrong.push(Math.round(box.width) + "x" + Math.round(box.height) + " " + called(node));
    }
    return wrong;
  };

  // Check 16: a name that holds what is seen.
  const nameOf = (node) => {
    const label = node.getAttribute("aria-label");
    if (label) return label;
    const by = node.getAttribute("aria-labelledby");
    if (by) return by.split(" ").map((id) => document.getElementById(id)?.textContent || "").join(" ");
    if (node.labels && node.labels.length) return [...node.labels].map((each) => each.textContent).join(" ");
    return node.textContent || node.getAttribute("title") || node.value || "";
  };
  const plain = (text) => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
  probes.names = () => {
    const wrong = [];
    for (const node of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [role=region], [role=search]")) {
      if (!visible(node)) continue;
      const name = plain(nameOf(node));
      if (!name && !/[↕↑↓]/.test(nameOf(node))) wrong.push("no name: " + node.outerHTML.slice(0, 120));
      const seen = plain(node.matches("a, button, summary") ? node.innerText || "" : "");
      if (seen && !name.includes(seen)) wrong.push("'" + seen + "' is called '" + name + "'");
    }
    return wrong;
  };

  // Check 15: what only a mouse or a single key can do.
  probes.gestures = () => [...document.querySelectorAll("[data-drag], [draggable=true], [accesskey]")].map(called);

  // Check 18: no sideways scroll.
  probes.sideways = () => {
    const room = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= room) return [];
    const wide = [...document.querySelectorAll("body *")].filter((node) => {
      const box = node.getBoundingClientRect();
      if (box.width < 2 || (box.right <= room + 1 && box.left >= -1)) return false;
      for (let up = node.parentElement; up; up = up.parentElement) if (getComputedStyle(up).overflowX !== "visible") return false;
      return !node.closest(".skip, .away");
    });
    return [document.documentElement.scrollWidth + " of " + room, ...wide.slice(-4).map(called)];
  };

  // Check 19: room for those who need more space between letters and lines.
  const sheet = (text) => { const made = new CSSStyleSheet(); made.replaceSync(text); document.adoptedStyleSheets = [...document.adoptedStyleSheets, made]; };
  probes.spaced = () => {
    sheet("* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important; } p { margin-block-end: 2em !important; }");
    const wrong = [];
    for (const node of document.querySelectorAll("main *, header *, footer *, aside *")) {
      if (!visible(node) || node.closest("svg") || !node.innerText?.trim()) continue;
      const style = getComputedStyle(node);
      const cutX = /hidden|clip/.test(style.overflowX) && node.scrollWidth > node.clientWidth + 1;
      const cutY = /hidden|clip/.test(style.overflowY) && node.scrollHeight > node.clientHeight + 1;
      if (cutX || cutY) wrong.push("cut: " + called(node));
    }
    wrong.push(...probes.sideways().map((each) => "spaced: " + each));
    document.adoptedStyleSheets = document.adoptedStyleSheets.slice(0, -1);
    return wrong;
  };

  // Check 20: nothing moves for those who asked for that.
  probes.motion = () => {
    const wrong = document.getAnimations().filter((each) => (each.effect?.getComputedTiming().duration || 0) > 1).map((each) => "moves: " + called(each.effect.target));
    for (const node of document.querySelectorAll("body *")) {
      const style = getComputedStyle(node);
      for (const told of [style.transitionDuration, style.animationDuration]) if (told.split(",").some((each) => parseFloat(each) > 0.001)) wrong.push("would move: " + called(node));
    }
    return wrong.slice(0, 5);
  };

  // Check 22: colour never alone.
  probes.alone = () => {
    const wrong = [];
    for (const chip of document.querySelectorAll(".chip")) {
      if (!chip.querySelector("[aria-hidden]")?.textContent.trim()) wrong.push("no shape: " + called(chip));
      if (chip.innerText.replace(/[^\p{L}]/gu, "").length < 3) wrong.push("no word: " + called(chip));
    }
    for (const reason of document.querySelectorAll("ul.bars > li")) {
      if (!/[▲▽△▼]/.test(reason.textContent)) wrong.push("no sign: " + called(reason));
      if (!/points to/.test(reason.textContent)) wrong.push("no word of where it points: " + called(reason));
    }
    return wrong;
  };

  // Check 23: each chart has a name, a sentence and a table.
  probes.charts = () => {
    const wrong = [];
    for (const svg of document.querySelectorAll("svg.chart")) {
      const figure = svg.closest("figure");
      if (svg.getAttribute("role") !== "img") wrong.push("not an image: " + called(svg));
      const by = (svg.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join("");
      if (!(svg.getAttribute("aria-label") || by)) wrong.push("no name: " + called(svg));
      if (!figure) { wrong.push("no figure: " + called(svg)); continue; }
      if ((figure.querySelector("figcaption")?.textContent || "").trim().length < 10) wrong.push("no sentence: " + called(svg));
      const table = figure.querySelector("table");
      if (!table || !table.caption || !table.tBodies[0]?.rows.length) wrong.push("no table: " + called(svg));
      for (const dot of svg.querySelectorAll("[data-value]")) if (!table?.textContent.includes(dot.dataset.value)) wrong.push("not in the table: " + dot.dataset.value);
    }
    for (const table of document.querySelectorAll("table")) {
      if (!table.caption) wrong.push("a table without a caption: " + called(table));
      for (const head of table.querySelectorAll("th")) if (!head.scope) { wrong.push("a head without scope: " + called(head)); break; }
    }
    return wrong;
  };

  // Check 24: neither red nor green.
  const hueOf = ([r, g, b]) => {
    const high = Math.max(r, g, b), low = Math.min(r, g, b), span = high - low;
    if (!span) return 0;
    const turn = high === r ? ((g - b) / span) % 6 : high === g ? (b - r) / span + 2 : (r - g) / span + 4;
    return (turn * 60 + 360) % 360;
  };
  const chroma = (colour) => {
    const [r, g, b] = colour.map((each) => { const s = each / 255; return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4; });
    const xyz = [(0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505, 0.2126 * r + 0.7152 * g + 0.0722 * b, (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089];
    const [x, y, z] = xyz.map((t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116));
    return Math.hypot(500 * (x - y), 200 * (y - z));
  };
  probes.redAndGreen = () => {
    const wrong = new Set();
    for (const node of document.querySelectorAll("body, body *")) {
      const style = getComputedStyle(node);
      const told = node instanceof SVGElement ? [style.fill, style.stroke] : [style.color, style.backgroundColor, style.borderTopColor, style.outlineColor];
      for (const each of told) {
        const colour = parsed(each);
        if (!colour || colour[3] < 0.05 || chroma(colour.slice(0, 3)) <= 30) continue;
        const hue = hueOf(colour);
        if (hue >= 345 || hue <= 15 || (hue >= 90 && hue <= 150)) wrong.add(each + " " + called(node));
      }
    }
    return [...wrong].slice(0, 5);
  };

  // Check 37: times that a machine can read.
  probes.times = () => [...document.querySelectorAll("time")].filter((node) => {
    const told = node.getAttribute("datetime") || "";
    return !/^\d{4}-\d\d-\d\d$/.test(told) && !/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(told);
  }).map(called);

  // Checks 9 and 10: what has the focus shows it, and is not hidden.
  probes.focused = () => {
    const node = document.activeElement, wrong = [];
    if (!node || node === document.body) return null;
    const style = getComputedStyle(node), box = node.getBoundingClientRect();
    const width = parseFloat(style.outlineWidth), colour = parsed(style.outlineColor);
    if (style.outlineStyle === "none" || width < 2) wrong.push("no outline: " + called(node));
    else {
      const at = [Math.max(1, box.left - 4), Math.max(1, box.top - 4)];
      const ground = underneath(node, Math.min(at[0], innerWidth - 2), Math.min(at[1], innerHeight - 2));
      if (colour && contrast(over(colour, ground), ground) < 3) wrong.push("pale outline: " + called(node));
    }
    const points = [[0.5, 0.5], [0.1, 0.5], [0.9, 0.5], [0.5, 0.2]].map(([x, y]) => [box.left + box.width * x, box.top + box.height * y]);
    const shown = points.some(([x, y]) => { const top = document.elementFromPoint(x, y); return top && (top === node || node.contains(top) || top.contains(node)); });
    if (box.width > 1 && !shown) wrong.push("hidden: " + called(node));
    const key = called(node) + [...document.querySelectorAll(node.tagName)].indexOf(node);
    return { key, wrong };
  };

  // Check 38: what stands side by side does not lie on top of each other.
  probes.overlaps = () => {
    const wrong = [];
    for (const row of document.querySelectorAll("header.top, .where, .actions, .tabs ul, .pager, .filter")) {
      const parts = [...row.children].filter(visible).map((node) => [node, node.getBoundingClientRect()]);
      for (const [at, [node, box]] of parts.entries()) {
        for (const [other, next] of parts.slice(at + 1)) {
          const wide = Math.min(box.right, next.right) - Math.max(box.left, next.left), high = Math.min(box.bottom, next.bottom) - Math.max(box.top, next.top);
          if (wide > 2 && high > 2) wrong.push(called(node) + " on " + called(other));
        }
      }
    }
    return wrong;
  };

  probes.forced = () => {
    const wrong = [];
    for (const chip of document.querySelectorAll(".chip")) {
      const style = getComputedStyle(chip);
      if (style.borderTopStyle === "none" || parseFloat(style.borderTopWidth) < 1) wrong.push("no border: " + called(chip));
    }
    for (const bar of document.querySelectorAll("svg .up, svg .down, svg .column")) {
      const style = getComputedStyle(bar);
      if (style.stroke === "none" && style.fill === "none") wrong.push("no edge: " + called(bar));
    }
    return wrong;
  };

  window.__probes = probes;
})();
