// The raw maps of several methods, asked of a worker of its own: an expression that the check evaluates in the page.
(async (methods) => {
  const worker = new Worker('worker.js', { type: 'module' });
  const ask = (told) => new Promise((resolve, reject) => {
    worker.addEventListener('message', function hear({ data: { progress, done, failed } }) {
      if (progress) return;
      worker.removeEventListener('message', hear);
      if (failed === undefined) resolve(done); else reject(new Error(failed));
    });
    worker.postMessage({ id: 0, ...told });
  });
  const base64 = (array) => {
    const bytes = new Uint8Array(array.buffer);
    let text = '';
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return btoa(text);
  };
  const bitmap = await createImageBitmap(await (await fetch('chelsea.png')).blob(), { colorSpaceConversion: 'none' });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, width, height);
  await ask({ ask: 'load' });
  const { predictions: [best] } = await ask({ ask: 'look', pixels, method: methods[0] });
  const maps = [];
  for (const method of methods) {
    for (const plain of [false, true]) {
      const { fine, overlay, milliseconds, bytes } =
        await ask({ ask: 'explain', class: best.class, method, plain, opacity: 0.7, maps: true });
      maps.push({ method, plain, fine: base64(fine.values), overlay: base64(overlay.data), milliseconds, bytes });
    }
  }
  worker.terminate();
  return { best, maps };
})
