// The page of a gene: its data, its figure, and when it is shown.

// ---- data of the pages ----

async function inflate(base64) {
  if (typeof DecompressionStream !== 'function') {
    throw new Error('This browser cannot unpack the pages of genes (it has no DecompressionStream); a browser of 2023 or later can.');
  }
  try {
    const text = atob(base64);
    const bytes = new Uint8Array(text.length);
    for (let k = 0; k < text.length; k++) bytes[k] = text.charCodeAt(k);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
    return await new Response(stream).arrayBuffer();
  } catch (error) {
    throw new Error(`The pages of genes are damaged or this browser cannot unpack them (${error.message}).`);
  }
}

// Reads the sections that follow one another in the binary; see the length check for their sizes.
async function readPages() {
  const P = report.pages.genes ? report.pages.genes.length : count;
  const M = report.marks.length, E = report.encoders.length, T = report.pages.points, S = report.pages.steps;
  const buffer = await inflate(report.pages.data);
  const sizes = { signalLargest: 4 * P * M, signalLowest: 4 * P * M, ablation: 4 * P * M, beta: 4 * P * E,
    alphaLargest: 4 * P * E, signal: P * 2 * M * T, alpha: P * E * S };
  const expected = Object.values(sizes).reduce((a, b) => a + b, 0);
  if (buffer.byteLength !== expected) {
    throw new Error(`The pages of genes are damaged: ${buffer.byteLength} bytes where ${expected} are due.`);
  }
  const view = new DataView(buffer), bytes = new Uint8Array(buffer), at = {};
  let offset = 0;
  for (const [name, size] of Object.entries(sizes)) { at[name] = offset; offset += size; }
  const float = (start, k) => view.getFloat32(start + 4 * k, true);
  const scaled = (start, length, lowest, largest) =>
    Array.from(bytes.subarray(start, start + length), (x) => lowest + (x / 255) * (largest - lowest));
  return (p) => ({
    marks: report.marks.map((mark, m) => {
      const largest = float(at.signalLargest, p * M + m);
      const lowest = float(at.signalLowest, p * M + m);   // below zero where a control was subtracted, else zero
      const signal = (cell) => scaled(at.signal + ((p * 2 + cell) * M + m) * T, T, lowest, largest);
      return { mark, largest, lowest, a: signal(0), b: signal(1),
        ablation: float(at.ablation, p * M + m) };
    }),
    encoders: report.encoders.map((encoder, e) => {
      const largest = float(at.alphaLargest, p * E + e);
      return { ...encoder, beta: float(at.beta, p * E + e), largest,
        alpha: scaled(at.alpha + (p * E + e) * S, S, 0, isNumber(largest) ? largest : 0) };
    }),
  });
}
let pagesPromise = null;   // unpacked once, when the first page is opened
const pages = () => (pagesPromise ??= readPages());

// ---- the figure of a gene ----

const SPAN = report.upstream + report.downstream;
const kb = (bp) => fixed(bp / 1000, 1, true);
// Centre of the k-th of n equal parts of the window, in bp from the TSS.
const centre = (k, n) => ((k + 0.5) / n) * SPAN - report.upstream;
function peak(values) {
  const k = values.reduce((best, x, n) => (x > values[best] ? n : best), 0);
  return values[k] > 0 ? kb(centre(k, values.length)) : '–';
}

const pen = document.createElement('canvas').getContext('2d');
function textWidth(text, bold) {
  pen.font = `${bold ? '650 13px' : '12px'} ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
}
function shorten(text, width, bold) {
  if (textWidth(text, bold) <= width) return text;
  let end = text.length;
  while (end > 1 && textWidth(text.slice(0, end) + '…', bold) > width) end--;
  return text.slice(0, end) + '…';
}

const ofOneMark = (encoder) => report.marks.includes(encoder.mark);

// Rows of the figure: a mark with its encoders each; encoders of no single mark come last.
function rowsOf(page) {
  const rows = page.marks.map((mark) => ({ ...mark, encoders: page.encoders.filter((e) => e.mark === mark.mark) }));
  for (const mark of new Set(page.encoders.filter((e) => !ofOneMark(e)).map((e) => e.mark))) {
    rows.push({ mark, a: null, ablation: null, encoders: page.encoders.filter((e) => e.mark === mark) });
  }
  return rows;
}

const BETA_TITLE = 'Attention over marks';
const ABLATION_TITLE = report.classifies ? 'Ablation (score)' : 'Ablation (log2)';

// Widths of the columns, the same for all rows of a gene, from the texts they have to hold.
function layoutOf(page, available) {
  const width = Math.round(Math.min(900, Math.max(620, available)));
  const bar = width < 760 ? 60 : 90;
  const number = textWidth('−0.000') + 8;
  const labels = ['kb from TSS', ...page.encoders.map((e) => e.channel), ...page.marks.flatMap((m) => [short(m.largest), short(m.lowest)])];
  const left = Math.min(150, Math.max(...labels.map((text) => textWidth(text)))) + 10;
  let right = width - 2;
  const column = (title) => {
    const start = right - Math.max(bar + number, textWidth(title));
    const place = { start, bar: right - number - start, right };
    right = start - 22;
    return place;
  };
  const ablation = column(ABLATION_TITLE);
  const beta = page.encoders.length ? column(BETA_TITLE) : null;
  const largest = (values) => Math.max(1e-9, ...values.filter(isNumber).map(Math.abs));
  return { width, left, right, beta, ablation,
    betaLargest: largest(page.encoders.map((e) => e.beta)), ablationLargest: largest(page.marks.map((m) => m.ablation)) };
}

function ticks() {
  const step = [100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000].find((s) => SPAN / s <= 5) || SPAN / 4;
  const found = [];
  for (let x = -Math.floor(report.upstream / step) * step; x <= report.downstream; x += step) found.push(x);
  return found;
}

function drawProfile(row, x, top, height) {
  const range = row.largest - row.lowest;
  const y = (signal) => top + height - (range > 0 ? ((signal - row.lowest) / range) * height : 0);
  const n = row.a.length;
  const points = (values) => values.map((v, k) => `${x(centre(k, n)).toFixed(1)},${y(v).toFixed(1)}`).join(' ');
  const base = y(0).toFixed(1);
  const area = (values, name) => svg('polygon', { class: name,
    points: `${x(centre(0, n)).toFixed(1)},${base} ${points(values)} ${x(centre(n - 1, n)).toFixed(1)},${base}` });
  return [area(row.a, 'area-a'), area(row.b, 'area-b'),
    svg('polyline', { class: 'line-a', points: points(row.a) }), svg('polyline', { class: 'line-b', points: points(row.b) })];
}

// White to the dark colour of attention, 0 to the largest attention of the strip.
function shade(share) {
  const mix = [75, 29, 107].map((dark) => Math.round(255 + (dark - 255) * share));
  return `rgb(${mix.join(',')})`;
}

function drawEncoder(encoder, layout, x, top) {
  const S = encoder.alpha.length, step = (layout.right - layout.left) / S;
  const text = (name, at, content) => svg('text', { class: name, x: at, y: top + 11, 'text-anchor': 'end' }, content);
  const largest = encoder.largest > 0 ? encoder.largest : 1;
  const drawn = [text('channel', layout.left - 8, shorten(encoder.channel, layout.left - 10)),
    ...encoder.alpha.map((alpha, s) => svg('rect', { x: (layout.left + s * step).toFixed(2), y: top + 1,
      width: (step + 0.3).toFixed(2), height: 12, fill: shade(alpha / largest) })),
    svg('rect', { class: 'axis', x: layout.left, y: top + 1, width: layout.right - layout.left, height: 12 })];
  drawn.push(text('value', layout.beta.right, fixed(encoder.beta, 3, false)));
  const share = isNumber(encoder.beta) ? Math.max(0, encoder.beta) / layout.betaLargest : 0;
  drawn.push(svg('path', { class: 'axis', d: `M${layout.beta.start},${top}v14` }),
    svg('rect', { class: 'beta', x: layout.beta.start, y: top + 2, height: 10, width: (share * layout.beta.bar).toFixed(1) }));
  return drawn;
}

function drawAblation(x, column, largest, middle) {
  const zero = column.start + column.bar / 2;
  const length = isNumber(x) ? (Math.abs(x) / largest) * (column.bar / 2) : 0;
  return [svg('rect', { class: 'ablation', x: (x < 0 ? zero - length : zero).toFixed(1), y: middle - 7, width: length.toFixed(1), height: 14 }),
    svg('path', { class: 'axis', d: `M${zero},${middle - 12}v24` }),
    svg('text', { class: 'value', x: column.right, y: middle + 4, 'text-anchor': 'end' }, fixed(x, 2, true))];
}

function describe(row) {
  const parts = [];
  if (row.a) parts.push(`Largest signal ${short(row.largest)} ${report.signal_unit}; A is highest at ${peak(row.a)} kb, B at ${peak(row.b)} kb from the TSS.`);
  for (const e of row.encoders) {
    parts.push(`Channel ${e.channel}: attention over marks ${fixed(e.beta, 3, false)}, attention over bins highest at ${peak(e.alpha)} kb.`);
  }
  if (row.ablation !== null) parts.push(`Ablation ${fixed(row.ablation, 2, true)}.`);
  return parts.join(' ');
}

// A row is an svg of its own, so that a figure of many marks can part between marks when printed.
function drawRow(row, layout, geneName, number) {
  const x = (bp) => layout.left + ((bp + report.upstream) / SPAN) * (layout.right - layout.left);
  const top = 26, profile = row.a ? 64 : 0, strips = top + profile + (row.a ? 6 : 0);
  const bottom = strips + 15 * row.encoders.length, height = bottom + 22;
  const text = (name, at, y, anchor, ...content) => svg('text', { class: name, x: at, y, 'text-anchor': anchor }, ...content);
  const unit = row.a ? ` (${report.signal_unit})` : '';
  const room = (layout.beta || layout.ablation || { start: layout.width }).start - 16 - textWidth(unit);
  const title = shorten(row.mark, room, true);
  const drawn = [svg('title', { id: `gene-row-title-${number}` }, row.a
    ? `${row.mark} around the TSS of ${geneName}: signal of A and B` : `${row.mark}: attention at ${geneName}`),
  svg('desc', { id: `gene-row-desc-${number}` }, describe(row)),
  text('mark', 0, 15, 'start', title, svg('tspan', { class: 'unit' }, unit))];
  if (layout.beta && row.encoders.length) drawn.push(text('column', layout.beta.right, 15, 'end', BETA_TITLE));
  if (row.a) {
    drawn.push(...drawProfile(row, x, top, profile), text('tick', layout.left - 8, top + profile, 'end', short(row.lowest)),
      svg('path', { class: 'axis', d: `M${layout.left},${top}v${profile}H${layout.right}` }));
    if (row.largest > row.lowest) drawn.push(text('tick', layout.left - 8, top + 9, 'end', short(row.largest)));
  }
  row.encoders.forEach((encoder, n) => drawn.push(...drawEncoder(encoder, layout, x, strips + 15 * n)));
  if (row.ablation !== null) {
    drawn.push(text('column', layout.ablation.right, 15, 'end', ABLATION_TITLE),
      ...drawAblation(row.ablation, layout.ablation, layout.ablationLargest, top + profile / 2));
  }
  drawn.push(svg('path', { class: 'tss', d: `M${x(0)},${top}V${bottom}` }), text('tick', layout.left - 8, height - 5, 'end', 'kb from TSS'));
  ticks().forEach((bp, n) => drawn.push(svg('path', { class: 'axis', d: `M${x(bp)},${bottom}v4` }),
    text('tick', x(bp), height - 5, n === 0 && bp === -report.upstream ? 'start' : 'middle', short(bp / 1000))));
  return svg('svg', { role: 'img', viewBox: `0 0 ${layout.width} ${height}`, width: layout.width, height,
    'aria-labelledby': `gene-row-title-${number}`, 'aria-describedby': `gene-row-desc-${number}` }, ...drawn);
}

// ---- the page of a gene ----

function legend(page) {
  const cell = (letter, name) => (name === null ? `cell type ${letter} of the pair` : `${letter}: ${name}`);
  const item = (swatch, text) => html('li', {}, html('span', { class: `swatch ${swatch}` }), html('span', {}, text));
  return html('ul', { class: 'legend' },
    item('line-a', `signal in ${cell('A', report.a)}`), item('line-b', `signal in ${cell('B', report.b)}`),
    page.encoders.length ? item('strip', 'strip: attention over bins, from 0 to the largest of the strip') : null,
    page.encoders.length ? item('beta', 'bar: attention over marks') : null,
    item('ablation', `bar about zero: ablation, ${report.ablation}`));
}

function captionOf(page) {
  const ways = { strand: 'upstream on the left (5′ to 3′ of the gene)', genome: 'along the genome, whatever the strand' };
  const honest = page.encoders.length === 0 ? 'The bars of ablation are the change of the prediction itself.'
    : 'Attention says where the network looked, not what moved its prediction; ' +
      'the bars of ablation are the change of the prediction itself.';
  return html('figcaption', {}, honest + ` Position is in kb from the TSS (dashed line), ${ways[report.order]}. ` +
    'The number at the top of an axis is the largest signal of the mark over both cell types; bars of one kind share one scale.');
}

function strongest(page) {
  const best = (items, size) => items.filter((x) => isNumber(size(x))).sort((x, y) => size(y) - size(x))[0];
  const beta = best(page.encoders.filter(ofOneMark), (e) => e.beta);
  const ablation = best(page.marks, (m) => (isNumber(m.ablation) ? Math.abs(m.ablation) : NaN));
  const parts = [];
  if (beta) parts.push(`Strongest mark by attention: ${beta.mark} (channel ${beta.channel}, ${fixed(beta.beta, 3, false)}).`);
  if (ablation && Math.abs(ablation.ablation) >= 0.005) parts.push(`Strongest mark by ablation: ${ablation.mark} (${fixed(ablation.ablation, 2, true)}).`);
  return parts.length && page.marks.length > 1 ? html('p', {}, parts.join(' ')) : null;
}

function numbersTable(page) {
  const attention = page.encoders.length > 0;
  const headings = [['Mark'], ['Largest signal', 1]];
  if (attention) headings.push(['Channel'], ['Attention over marks', 1], ['Largest attention over bins', 1], ['at (kb from TSS)', 1]);
  headings.push(['Ablation', 1]);
  const td = (text, rows) => html('td', { class: 'number', rowspan: rows > 1 ? rows : null }, text);
  const groups = rowsOf(page).map((row) => {
    const n = Math.max(1, row.encoders.length);
    const lines = Array.from({ length: n }, (_, k) => {
      const e = row.encoders[k];
      if (!attention) return html('tr', {});
      return html('tr', {}, html('td', {}, e ? e.channel : '–'), td(e ? fixed(e.beta, 3, false) : '–'),
        td(e ? short(e.largest) : '–'), td(e ? peak(e.alpha) : '–'));
    });
    lines[0].prepend(html('th', { scope: 'rowgroup', rowspan: n > 1 ? n : null }, row.mark), td(row.a ? short(row.largest) : '–', n));
    lines[0].append(td(fixed(row.ablation, 2, true), n));
    return html('tbody', {}, ...lines);
  });
  return html('details', {}, html('summary', {}, 'Numbers'), html('div', { class: 'table' }, html('table', {},
    html('caption', {}, `Signal in ${report.signal_unit}; ablation: ${report.ablation}`),
    html('thead', {}, html('tr', {}, ...headings.map(([text, number]) =>
      html('th', { scope: 'col', class: number ? 'number' : null }, text)))), ...groups)));
}

function geneFacts(i) {
  const facts = [['Cell types', pairOf(i) ?? (report.a === null ? null : `${report.a} (A), ${report.b} (B)`)], ['Location', locationOf(i)],
    ['Split', value('split', i)], ['Observed', value('observed', i) === null ? null : observedText(i)], ['Predicted', predictedText(i)],
    ['Predicted minus observed', report.classifies || value('observed', i) === null ? null
      : fixed(value('predicted', i) - value('observed', i), 2, true)],
    ['Spread', value('spread', i) === null ? null : fixed(value('spread', i), 2, false)]];
  return html('dl', { class: 'facts' }, ...facts.filter(([, text]) => text !== null).map(([name, text]) =>
    html('div', {}, html('dt', {}, name), html('dd', {}, text))));
}

async function openGene(i) {
  const name = nameOf(i);
  const heading = html('h3', { id: 'gene-page-title', tabindex: '-1' }, name,
    name === genes.id[i] ? null : html('span', { class: 'gene-id' }, genes.id[i]));
  const close = html('button', { type: 'button', id: 'gene-close' }, 'Back to the table');
  close.addEventListener('click', () => { location.hash = 'genes'; });
  const status = html('p', { role: 'status' }, 'Unpacking the pages of genes…');
  const article = html('article', { id: 'gene-page', 'aria-labelledby': 'gene-page-title' }, close, heading, geneFacts(i),
    html('p', { class: 'note' }, (report.classifies ? 'Predicted is a score of going up; observed: ' : 'Observed and predicted: ') + report.label), status);
  show(article);
  article.scrollIntoView();
  heading.focus({ preventScroll: true });
  try {
    const page = (await pages())(pageIndex(i));
    if (!article.isConnected) return;   // another gene was asked for meanwhile
    const layout = layoutOf(page, article.clientWidth);
    const rows = rowsOf(page).map((row, n) => drawRow(row, layout, name, n));
    status.replaceWith(...[strongest(page), legend(page), html('figure', { id: 'gene-figure' },
      html('div', { class: 'rows', role: 'region', 'aria-label': `Marks around the TSS of ${name}`, tabindex: '0' }, ...rows),
      captionOf(page)), numbersTable(page)].filter(Boolean));
  } catch (error) {
    status.className = 'message';
    status.textContent = error.message;
  }
}

// Shows the page of a gene in place of the table, a message above the table, or the table alone.
function show(node) {
  const page = node && node.id === 'gene-page';
  list.root.hidden = Boolean(page);
  browser.replaceChildren(...(node ? [node, list.root] : [list.root]));
}

let opened = -1;   // the gene whose page is open
function route() {
  const address = parseAddress();
  if (!address) {
    const last = opened;
    opened = -1;
    show(null);
    if (last >= 0 && (location.hash === '' || location.hash === '#genes')) returnTo(last);
    return;
  }
  const i = findGene(address.gene, address.pair);
  opened = -1;
  if (i >= 0 && pageIndex(i) !== undefined) {
    opened = i;
    openGene(i);
    return;
  }
  show(html('p', { class: 'message', id: 'gene-message', role: 'alert' }, i < 0
    ? `There is no gene ${address.gene}${address.pair === undefined ? '' : ` of the pair ${address.pair}`} in this report.`
    : `The gene ${address.gene} has no page in this report; ask for it with --genes.`));
  browser.scrollIntoView();
}

// Puts the focus on the link of the gene whose page was closed, or on the search box where the filters hide it.
function returnTo(i) {
  const at = state.listed.indexOf(i);
  if (at >= 0 && Math.floor(at / ROWS) !== state.page) {
    state.page = Math.floor(at / ROWS);
    showRows();
  }
  (list.body.querySelector(`a[data-index="${i}"]`) || list.search).focus();
}

const list = buildList();
update();
route();
window.addEventListener('hashchange', route);
