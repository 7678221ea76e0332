/**
 * A picture of what the page says, as PNG in base64. It stands in for what an agent really sees: a captured tab, or what a
 * browser extension took.
 */
export function takeScreenshot() {
  const lines = Array.from(document.querySelectorAll('h1, tr, button'), ({ textContent }) => textContent);
  const canvas = document.createElement('canvas');
  canvas.width = 480;
  canvas.height = 24 * (lines.length + 1);
  const pen = canvas.getContext('2d');
  pen.fillStyle = 'white';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = 'black';
  pen.font = '16px sans-serif';
  for (const [at, line] of lines.entries()) pen.fillText(line.replace(/\s+/g, ' ').trim(), 16, 24 * (at + 1));
  return canvas.toDataURL('image/png').split(',')[1];
}
