// The page: takes photographs, asks the worker, shows what it answers.

/** Larger photographs are reduced first: the network sees 224 x 224 of them, a screen little more than this. */
const MOST_PIXELS = 4_000_000;
const DEFAULT_METHOD = 'grad-cam';
/** Needs rules, which this page has no place for. */
const LEFT_OUT = ['lrp'];
const SAMPLE = 'chelsea.png';

const at = (id) => document.getElementById(id);
const [figure, canvas, status, progress] = ['figure', 'canvas', 'status', 'progress'].map(at);

/** The worker, and what it was asked and has not answered. */
let worker, loading;
/** Whether that worker has seen the photograph. */
let hasSeen = false;
const waiting = new Map();
let asked = 0;
/** The photograph: its name and its pixels. */
let photograph;
/** What a file of the picture that is drawn is called. */
let drawn;
/** The labels of all classes. */
let labels = [];
/** Whether an explanation is being made, and whether something changed since. */
let explaining = false, changed = false;

// The worker

function start() {
  worker = new Worker('worker.js', { type: 'module' });
  worker.onmessage = ({ data: { id, done, failed, broken, progress } }) => {
    if (broken) return restart(new Error(failed));
    if (progress) return say(`${progress.stage} …`, progress.part);
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    if (failed === undefined) resolve(done); else reject(new Error(failed));
  };
  worker.onerror = (event) => {
    event.preventDefault();
    restart(new Error(`the worker ended: ${event.message ?? 'it could not be loaded'}`));
  };
  return ask('load');
}

/** Loads the network, once; where that fails, or the worker ends, it is loaded again when it is next needed. */
function load() {
  loading ??= start().then(introduce).catch((error) => {
    restart(error);
    throw error;
  });
  return loading;
}

/** Ends the worker, whatever it does, and fails what was asked. */
function restart(why) {
  worker?.terminate();
  worker = loading = undefined;
  hasSeen = false;
  waiting.forEach(({ reject }) => reject(why));
  waiting.clear();
}

function ask(what, told = {}) {
  return new Promise((resolve, reject) => {
    waiting.set(++asked, { resolve, reject });
    worker.postMessage({ id: asked, ask: what, ...told });
  });
}

// What is going on

function say(text, part = null) {
  status.textContent = text;
  status.classList.remove('failed');
  if (part === null) progress.removeAttribute('value'); else progress.value = part;
}

function fail(error) {
  const { message } = error;
  say(error.isAsWritten ? `${message}.` : `${message[0].toUpperCase()}${message.slice(1)}.`);
  status.classList.add('failed');
}

/** Shows that something is going on while `work` is; its failure is told. */
async function busy(text, work) {
  say(text);
  document.body.classList.add('busy');
  figure.setAttribute('aria-busy', 'true');
  const stoppable = setTimeout(() => { at('stop').hidden = !photograph; }, 400);
  try {
    return await work();
  } catch (error) {
    fail(error);
  } finally {
    clearTimeout(stoppable);
    at('stop').hidden = true;
    document.body.classList.remove('busy');
    figure.setAttribute('aria-busy', 'false');
  }
}

// A photograph comes

async function open(file) {
  if (!file) return;
  const isSeen = await busy('Looking …', async () => {
    await ready;
    await load();
    photograph = { name: file.name ?? 'photograph', pixels: await decode(file) };
    draw(photograph.pixels, 'photograph');
    figure.removeAttribute('data-empty');
    at('method').value = DEFAULT_METHOD;
    await look();
    return true;
  });
  if (isSeen) await explain();
}

async function decode(file) {
  const asStored = { imageOrientation: 'from-image', premultiplyAlpha: 'none', colorSpaceConversion: 'none' };
  const bitmap = await createImageBitmap(file, asStored).catch(() => {
    const error = new Error(`${file.name ?? 'That'} is no picture that this browser can read`);
    // A name is told as it is.
    throw Object.assign(error, { isAsWritten: true });
  });
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height)));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.max(1, Math.round(side * scale)));
  const context = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

async function see(method) {
  const seen = await ask('look', { pixels: photograph.pixels, method });
  hasSeen = true;
  return seen;
}

async function look() {
  const { predictions } = await see(at('method').value);
  at('predictions').replaceChildren(...predictions.map(row));
  at('other').value = '';
  choose(predictions[0].class);
  at('classes').disabled = at('map').disabled = false;
}

// What is asked of it

/** A class of the list. */
function row({ class: class_, label, probability }) {
  const choice = Object.assign(document.createElement('input'), { type: 'radio', name: 'class', value: class_ });
  const percent = `${(100 * probability).toFixed(probability < 0.0995 ? 1 : 0)} %`;
  const [name, share] = [label, percent].map((text) => Object.assign(document.createElement('span'), { textContent: text }));
  share.className = 'share';
  const whole = document.createElement('label');
  whole.style.setProperty('--part', probability);
  whole.append(choice, name, share);
  return whole;
}

function choose(class_) {
  const listed = document.querySelector(`[name=class][value="${class_}"]`);
  document.querySelectorAll('[name=class]').forEach((choice) => { choice.checked = choice === listed; });
  at('predictions').dataset.class = class_;
}

function question() {
  const shown = document.querySelector('[name=shown]:checked').value;
  return {
    class: Number(at('predictions').dataset.class),
    method: at('method').value,
    plain: shown === 'plain',
    shown,
    opacity: at('opacity').value / 100,
  };
}

/** The slider's value beside it, and as what is read aloud. */
function tellOpacity() {
  const told = `${at('opacity').value} %`;
  at('percent').value = told;
  at('opacity').setAttribute('aria-valuetext', told);
}

/** Shows what is asked now; what changes meanwhile is asked once more at the end. */
async function explain() {
  if (!photograph || at('map').disabled) return;
  changed = true;
  if (explaining) return;
  explaining = true;
  while (changed) {
    changed = false;
    const [of, wanted] = [photograph, question()];
    if (wanted.shown === 'photograph') {
      draw(photograph.pixels, 'photograph');
      describe(`The photograph, ${photograph.pixels.width} × ${photograph.pixels.height}`);
      continue;
    }
    await busy(`Asking ${wanted.method} about ${labels[wanted.class]} …`, async () => {
      await load();
      if (!hasSeen) await see(wanted.method);
      const { overlay, reason, milliseconds } = await ask('explain', wanted);
      if (of !== photograph) return;
      const kind = wanted.plain ? 'plain' : 'extrapolated';
      draw(overlay, `${labels[wanted.class]}-${wanted.method}-${kind}`);
      describe(`${labels[wanted.class]} by ${wanted.method}, ${kind}`);
      say(reason ? `The map is blank: ${reason}.` : `Explained in ${(milliseconds / 1000).toFixed(2)} s.`);
    });
  }
  explaining = false;
}

function describe(text) {
  at('caption').textContent = text;
  canvas.setAttribute('aria-label', text);
}

/** Draws a picture of the photograph, and keeps what it is of: by then something else may be asked. */
function draw(pixels, about) {
  drawn = `${photograph.name.replace(/\.[^.]*$/, '')}-${about}.png`.replaceAll(/[^\w.-]+/g, '-');
  Object.assign(canvas, { width: pixels.width, height: pixels.height });
  canvas.getContext('2d').putImageData(pixels, 0, 0);
}

/** A method that takes too long ends with its worker; the next one looks again. */
async function stop() {
  changed = false;
  restart(new Error('stopped'));
  const isSeen = await busy('Starting again …', async () => {
    await load();
    at('method').value = DEFAULT_METHOD;
    await look();
    return true;
  });
  if (isSeen) await explain();
}

function download() {
  const name = drawn;
  canvas.toBlob((blob) => {
    const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}

async function sample() {
  const answer = await fetch(SAMPLE);
  if (!answer.ok) throw new Error(`${SAMPLE}: ${answer.status} ${answer.statusText}`);
  return answer.blob();
}

// The camera

async function openCamera() {
  if (!navigator.mediaDevices) return fail(new Error('a camera needs an address with https, or localhost'));
  try {
    at('video').srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
    await at('video').play();
    at('viewfinder').showModal();
  } catch (error) {
    closeCamera();
    fail(new Error(`no camera: ${error.message}`));
  }
}

async function shoot() {
  const { videoWidth: width, videoHeight: height } = at('video');
  const frame = Object.assign(document.createElement('canvas'), { width, height });
  frame.getContext('2d').drawImage(at('video'), 0, 0);
  at('viewfinder').close();
  frame.toBlob((blob) => open(new File([blob], 'camera.png', { type: blob.type })));
}

function closeCamera() {
  at('video').srcObject?.getTracks().forEach((track) => track.stop());
  at('video').srcObject = null;
}

// Everything that a person can do

at('file').addEventListener('change', ({ target }) => open(target.files[0]));
at('sample').addEventListener('click', () =>
  busy('Fetching the sample …', async () => new File([await sample()], SAMPLE)).then(open));
at('camera').addEventListener('click', openCamera);
at('shoot').addEventListener('click', shoot);
at('close').addEventListener('click', () => at('viewfinder').close());
at('viewfinder').addEventListener('close', closeCamera);
addEventListener('paste', ({ clipboardData }) => open(clipboardData.files[0]));
addEventListener('dragover', (event) => {
  event.preventDefault();
  figure.classList.add('dropping');
});
addEventListener('dragleave', () => figure.classList.remove('dropping'));
addEventListener('drop', (event) => {
  event.preventDefault();
  figure.classList.remove('dropping');
  const [file] = event.dataTransfer.files;
  if (file) open(file); else fail(new Error('what was dropped is no file'));
});

at('predictions').addEventListener('change', ({ target }) => { choose(target.value); explain(); });
at('other').addEventListener('change', ({ target }) => {
  const class_ = labels.indexOf(target.value);
  if (class_ >= 0) { choose(class_); explain(); } else if (target.value) fail(new Error(`ImageNet has no class ${target.value}`));
});
document.querySelectorAll('[name=shown]').forEach((choice) => choice.addEventListener('change', explain));
at('method').addEventListener('change', explain);
at('opacity').addEventListener('input', () => { tellOpacity(); explain(); });
at('download').addEventListener('click', download);
at('stop').addEventListener('click', stop);
tellOpacity();
document.querySelector('form').addEventListener('submit', (event) => event.preventDefault());

/** Waits until what is fetched is kept for later, where this browser and this address allow it. */
async function keep() {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register('offline.js');
    await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) {
      await new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve, { once: true }));
    }
  } catch {
    // Without it the page works, but not offline.
  }
}

/** Fills the lists with what the network knows. */
function introduce(loaded) {
  if (labels.length) return;
  labels = loaded.labels;
  at('labels').replaceChildren(...labels.map((label) => Object.assign(document.createElement('option'), { value: label })));
  const methods = loaded.methods.filter((method) => !LEFT_OUT.includes(method));
  at('method').replaceChildren(...methods.map((method) => new Option(method, method)));
  at('version').textContent = `gradex ${loaded.version}, EfficientNet-Lite0.`;
  document.body.dataset.ready = '';
}

const ready = busy('Loading the network …', async () => {
  await Promise.race([keep(), new Promise((resolve) => setTimeout(resolve, 5000))]);
  await load();
  say('Ready.');
});
