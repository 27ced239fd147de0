#include "trace_diff/html_page.hh"

namespace lxnet::trace {

const std::string_view kHtmlPage = R"html(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>lxnet diff</title>
<style>
:root { color-scheme: light dark; --line: #8884; --linux: #1a7f37; --lxnet: #cf222e; --known: #9a6700; --bar: #0969da; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1500px; padding: 1em; }
h1 { font-size: 1.3em; margin: 0 0 .3em; } h2 { font-size: 1.05em; margin: 1.4em 0 .4em; }
table { border-collapse: collapse; } td, th { padding: .15em .8em .15em 0; text-align: left; border-bottom: 1px solid var(--line); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.figures b { font-size: 1.4em; display: block; } .figures { display: flex; gap: 2.5em; flex-wrap: wrap; }
.bad b { color: var(--lxnet); } .good b { color: var(--linux); }
#filters { position: sticky; top: 0; background: Canvas; padding: .6em 0; border-bottom: 1px solid var(--line); z-index: 1; }
select, input { font: inherit; margin-right: 1em; }
#timeline { overflow-x: auto; } #timeline svg { display: block; }
article { border: 1px solid var(--line); border-radius: 6px; margin: .8em 0; padding: .6em .9em; }
article header { font-weight: 600; } article header small { font-weight: 400; opacity: .7; margin-left: 1em; }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 1em; margin: .4em 0; }
.sides > div { overflow-wrap: anywhere; font: 12px/1.45 ui-monospace, monospace; white-space: pre-wrap; }
.near { opacity: .55; } .it.linux { color: var(--linux); } .it.lxnet { color: var(--lxnet); }
.what { font: 12px/1.5 ui-monospace, monospace; overflow-wrap: anywhere; } .known { color: var(--known); }
.bar { height: .7em; display: inline-block; vertical-align: middle; }
@media (max-width: 800px) { .sides { grid-template-columns: 1fr; } }
</style></head><body>
<h1>System calls on Linux and on lxnet</h1><p id="names"></p><div class="figures" id="figures"></div>
<h2>Where in the run</h2><div id="timeline"></div>
<div id="filters">class <select id="class"></select> call <select id="call"></select> thread <select id="thread"></select>
<label><input type="checkbox" id="explained">known too</label> <span id="count"></span></div>
<div id="list"></div>
<h2>Calls</h2><div id="calls"></div>
<script>
const data = @DATA@;
const $ = id => document.getElementById(id);
const make = (tag, text, name) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (name) e.className = name; return e; };
$("names").textContent = "Linux: " + data.linux + " — lxnet: " + data.lxnet;
for (const [key, label] of [["compared", "calls compared"], ["equal", "equal"], ["regrouped", "cut or repeated differently"], ["explained", "explained"], ["divergent", "divergent"]]) {
  const box = make("div", undefined, key == "divergent" ? (data.totals[key] ? "bad" : "good") : "");
  box.append(make("b", data.totals[key].toLocaleString()), make("span", label));
  $("figures").append(box);
}
const fill = (id, values) => { $(id).append(new Option("all", "")); for (const v of [...new Set(values)].sort()) $(id).append(new Option(v, v)); $(id).onchange = show; };
fill("class", data.divergences.map(d => d.class));
fill("call", data.divergences.map(d => d.call));
fill("thread", data.divergences.map(d => d.thread));
$("explained").onchange = show;
const kMost = 500;
function chosen() {
  return data.divergences.filter(d => (!$("class").value || d.class == $("class").value) && (!$("call").value || d.call == $("call").value) &&
    (!$("thread").value || d.thread == $("thread").value) && ($("explained").checked || !d.explanation));
}
function side(name, part) {
  const box = make("div");
  if (!part) { box.append(make("div", "(no such call)", "near")); return box; }
  for (const near of part.context) box.append(make("div", near.line + "  " + near.text, near.is_it ? "it " + name : "near"));
  return box;
}
function show() {
  const rows = chosen();
  $("list").replaceChildren();
  $("count").textContent = rows.length + " shown" + (rows.length > kMost ? ", the first " + kMost + " of them" : "");
  rows.slice(0, kMost).forEach((d, i) => {
    const card = make("article"), head = make("header", (i + 1) + ". " + d.class + ": " + d.call);
    card.id = "d" + data.divergences.indexOf(d);
    head.append(make("small", "thread " + d.thread + (d.severity == "minor" ? ", minor" : "")));
    const sides = make("div", undefined, "sides");
    sides.append(side("linux", d.linux), side("lxnet", d.lxnet));
    card.append(head, sides);
    for (const x of d.differences) card.append(make("div", x.place + ": Linux " + (x.linux || "nothing") + ", lxnet " + (x.lxnet || "nothing"), "what"));
    if (d.explanation) card.append(make("div", "known: " + d.explanation, "known"));
    $("list").append(card);
  });
  timeline(rows);
}
// A row per thread from its first event to its last, in the order of Linux's run; a mark is a divergence.
function timeline(rows) {
  const kMostThreads = 60, width = 1100, left = 130, height = 16, threads = data.threads.slice(0, kMostThreads);
  const end = Math.max(1, ...data.threads.map(t => t.last)), x = p => left + p / end * (width - left - 10);
  const ns = "http://www.w3.org/2000/svg", svg = document.createElementNS(ns, "svg");
  svg.setAttribute("width", width); svg.setAttribute("height", threads.length * height + 4);
  const put = (tag, attributes, text) => { const e = document.createElementNS(ns, tag); for (const k in attributes) e.setAttribute(k, attributes[k]);
    if (text) e.textContent = text; svg.append(e); return e; };
  const row = {};
  threads.forEach((t, i) => { row[t.thread] = i;
    put("text", {x: 0, y: i * height + 12, "font-size": 11, fill: "currentColor"}, t.thread);
    put("rect", {x: x(t.first), y: i * height + 6, width: Math.max(2, x(t.last) - x(t.first)), height: 5, fill: "#8886"}); });
  let last = 0;
  for (const d of rows) {
    if (d.linux) last = d.linux.position;
    if (row[d.thread] === undefined) continue;
    const mark = put("circle", {cx: x(last), cy: row[d.thread] * height + 8.5, r: 4, fill: d.explanation ? "#9a6700" : "#cf222e", cursor: "pointer"});
    const title = document.createElementNS(ns, "title"); title.textContent = d.class + ": " + d.call; mark.append(title);
    mark.onclick = () => { const card = $("d" + data.divergences.indexOf(d)); if (card) card.scrollIntoView({behavior: "smooth", block: "center"}); };
  }
  $("timeline").replaceChildren(svg);
  if (data.threads.length > kMostThreads) $("timeline").append(make("small", "the first " + kMostThreads + " of " + data.threads.length + " threads"));
}
const table = make("table"), header = make("tr"), timed = data.calls.some(c => c.linux_ns || c.lxnet_ns);
for (const [label, name] of [["call"], ["Linux", "n"], ["lxnet", "n"], ["divergent", "n"], ["explained", "n"], ...(timed ? [["Linux us/call", "n"], ["lxnet us/call", "n"], ["time per call"]] : [])])
  header.append(make("th", label, name));
table.append(header);
const mean = (ns, n) => n ? ns / 1000 / n : 0, longest = Math.max(1e-9, ...data.calls.map(c => Math.max(mean(c.linux_ns, c.linux), mean(c.lxnet_ns, c.lxnet))));
for (const c of data.calls) {
  const row = make("tr"), a = mean(c.linux_ns, c.linux), b = mean(c.lxnet_ns, c.lxnet);
  row.append(make("td", c.call));
  for (const v of [c.linux, c.lxnet, c.divergent, c.explained]) row.append(make("td", v.toLocaleString(), "n"));
  if (timed) {
    row.append(make("td", a.toFixed(1), "n"), make("td", b.toFixed(1), "n"));
    const cell = make("td"), scale = v => Math.max(1, Math.log1p(v) / Math.log1p(longest) * 220) + "px";
    for (const [v, color] of [[a, "var(--linux)"], [b, "var(--lxnet)"]]) { const bar = make("span", undefined, "bar"); bar.style.width = scale(v); bar.style.background = color; cell.append(bar, make("br")); }
    row.append(cell);
  }
  table.append(row);
}
$("calls").append(table);
show();
</script></body></html>
)html";

}  // namespace lxnet::trace
