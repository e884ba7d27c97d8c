// Imports test files into one process: starting a process per file would cost more than the tests themselves.
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

const list = process.argv[2];
for (const file of readFileSync(list, 'utf8').split('\n').filter(Boolean)) {
  try {
    await import(pathToFileURL(file).href);
  } catch (error) {
    test(`${file} can be loaded`, () => {
      throw error;
    });
  }
}
