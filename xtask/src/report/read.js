// What a reader meets, as one object. Lists name what is wrong, and should be empty.
(async () => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const shows = (element) => element.checkVisibility({ checkVisibilityCSS: true }) && element.getClientRects().length > 0;
  const named = (element) => `${element.tagName.toLowerCase()}.${element.className.baseVal ?? element.className}: ${element.textContent.trim().slice(0, 40)}`;
  await Promise.all(all("img").map((image) => image.decode().catch(() => {})));

  const numbers = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = colour.map((level) => level / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const paper = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, a = 1] = numbers(getComputedStyle(at).backgroundColor);
      if (a === 1 && r !== undefined) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const says = (element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const contrasts = all("body *").filter((element) => says(element) && shows(element) && !element.matches("script, style, title, desc")).map((element) => {
    const style = getComputedStyle(element);
    const ink = numbers(element.namespaceURI.endsWith("svg") ? style.fill : style.color).slice(0, 3);
    const [low, high] = [luminance(ink), luminance(paper(element))].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), named(element)];
  }).sort((a, b) => a[0] - b[0]);

  const width = document.documentElement.clientWidth;
  const levels = all("h1, h2, h3, h4").map((heading) => Number(heading.tagName[1]));
  return {
    title: document.title,
    language: document.documentElement.lang,
    mains: all("main").length,
    names: all("main h2").map((heading) => heading.textContent),
    pictures: all("img").filter(shows).length,
    charts: all("svg[role=img]").filter((chart) => shows(chart) && chart.querySelector("title")?.textContent && chart.querySelector("polyline")).length,
    failures: all(".failure").filter(shows).length,
    scripts: all("script").length,
    sliders: all("input[type=range]").filter(shows).length,
    broken: all("img").filter((image) => !(image.complete && image.naturalWidth > 0)).map(named),
    nameless: all("img").filter((image) => image.alt.length < 20).map((image) => image.alt),
    overflowing: all("body *").filter((element) => shows(element) && element.getBoundingClientRect().right > width + 1).map(named).concat(
      document.documentElement.scrollWidth > width ? [`the page is ${document.documentElement.scrollWidth} wide`] : []),
    skipped: levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1),
    scopeless: all("th:not([scope])").map(named),
    faint: all(".line").filter((line) => shows(line) && getComputedStyle(line).stroke === "none").map(named),
    contrast: contrasts[0]?.[0],
    faintest: contrasts[0]?.[1],
    dark: luminance(paper(document.body)) < 0.2,
  };
})()
