'use strict';

/** The values of command line options, read alike in both benches. */
function wholeNumber(name, text) {
  if (!/^[1-9]\d*$/.test(text)) throw new Error(`--${name} must be a whole number above 0`);
  return Number(text);
}

/** Several with commas, or `all`; each a key of `known`. */
function names(option, text, known) {
  const asked = text === 'all' ? Object.keys(known) : text.split(',');
  const unknown = asked.find((name) => !Object.hasOwn(known, name));
  if (unknown !== undefined) throw new Error(`--${option}: no ${unknown}; all, or of ${Object.keys(known).join(', ')}`);
  return asked;
}

function splitArguments(text) {
  return text.split(' ').filter((argument) => argument !== '');
}

module.exports = { names, splitArguments, wholeNumber };
