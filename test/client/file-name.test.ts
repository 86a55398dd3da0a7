import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { numberedName, safeFileName } from '../../src/client/file-name.js';

describe('the name of a received file', () => {
  test.each([
    ['clip.mp4', 'clip.mp4'],
    ['a: b.txt', 'a: b.txt'],
    ['Übung 1.txt', 'Übung 1.txt'],
    ['../../etc/passwd', 'passwd'],
    ['/etc/passwd', 'passwd'],
    ['C:\\Windows\\system.ini', 'system.ini'],
    ['..', 'file'],
    ['.', 'file'],
    ['...', 'file'],
    ['folder/', 'file'],
    ['', 'file'],
    ['  ', 'file'],
    ['a\u0000b\nc\u007f.txt', 'abc.txt'],
    ['\u202etxt.exe', 'txt.exe'],
    ['.hidden', '.hidden'],
  ])('%j becomes %j', (announced, name) => {
    expect(safeFileName(announced)).toBe(name);
  });

  test('stays in its folder and fits the file system, whatever was announced', () => {
    const hostile = fc.array(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('/', '\\', '..', '\0', '.')),
    );
    fc.assert(
      fc.property(hostile, (parts) => {
        const name = safeFileName(parts.join(''));
        expect(path.dirname(path.resolve('/out', name))).toBe('/out');
        expect(name).not.toMatch(/[\p{Cc}/\\]/u);
        expect(name).not.toMatch(/^\.*$/);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
        expect(safeFileName(name)).toBe(name);
      }),
    );
  });

  test('keeps its extension when it is cut', () => {
    const name = safeFileName(`${'ü'.repeat(300)}.tar`);
    expect(name).toMatch(/^ü+\.tar$/);
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
  });

  test('is numbered before the extension', () => {
    expect(numberedName('a.b.txt', 0)).toBe('a.b.txt');
    expect(numberedName('a.b.txt', 2)).toBe('a.b (2).txt');
    expect(numberedName('.hidden', 1)).toBe('.hidden (1)');
    expect(numberedName('plain', 1)).toBe('plain (1)');
  });
});
