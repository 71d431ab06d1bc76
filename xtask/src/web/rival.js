// gradex beside onnxruntime-web on one thread of the same page: an expression that the bench evaluates.
// The rival's files lie in rival/: onnxruntime-web's dist, lite0.onnx and chelsea.f32.
(async (rounds) => {
  const { Gradex } = await import(new URL('gradex.js', location).href);
  const bytes = async (path) => new Uint8Array(await (await fetch(path, { cache: 'no-store' })).arrayBuffer());
  const timed = async (work) => {
    const began = performance.now();
    const done = await work();
    return [performance.now() - began, done];
  };

  const [load, [gradex, model]] = await timed(async () => {
    const [wasm, weights] = await Promise.all(['gradex.wasm', 'efficientnet-lite0.safetensors'].map(bytes));
    const gradex = await Gradex.load(wasm);
    return [gradex, gradex.model(weights)];
  });
  const [rivalLoad, [ort, session]] = await timed(async () => {
    const ort = await import(new URL('rival/ort.wasm.min.mjs', location).href);
    ort.env.wasm.numThreads = 1;
    ort.env.wasm.wasmPaths = new URL('rival/', location).href;
    return [ort, await ort.InferenceSession.create(await bytes('rival/lite0.onnx'), { executionProviders: ['wasm'] })];
  });
  const input = new ort.Tensor('float32', new Float32Array((await bytes('rival/chelsea.f32')).buffer), [1, 3, 224, 224]);

  const bitmap = await createImageBitmap(await (await fetch('chelsea.png')).blob(), { colorSpaceConversion: 'none' });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, bitmap.width, bitmap.height);

  const times = { forward: [], explain: [], rival: [] };
  let best, theirs;
  for (let round = -2; round < rounds; round += 1) {
    const [rival, answer] = await timed(() => session.run({ [session.inputNames[0]]: input }));
    const [forward, view] = await timed(() => gradex.look(model, pixels));
    [best] = gradex.top(view, 1);
    const [explain, explanation] = await timed(() => gradex.explain(view, best.class));
    gradex.free({ explanation, view });
    theirs = answer[session.outputNames[0]].data;
    if (round >= 0) Object.entries({ forward, explain, rival }).forEach(([task, time]) => times[task].push(time));
  }
  const largest = Math.max(...theirs);
  const sum = theirs.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
  const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  return {
    ours: best,
    theirs: { class: theirs.indexOf(largest), probability: 1 / sum },
    load, rivalLoad,
    forward: median(times.forward), explain: median(times.explain), rival: median(times.rival),
    version: ort.env.versions.web,
  };
})
