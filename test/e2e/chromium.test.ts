import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openChromium, type Browser } from '../support/chromium.js';

describe('Chromium of the tests', () => {
  let server: Server;
  let browser: Browser;
  let origin: string;

  beforeAll(async () => {
    server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>A page</title>');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await openChromium();
  });

  afterAll(async () => {
    await browser.close();
    server.close();
    server.closeAllConnections();
  });

  test('has a camera and a microphone on a loopback origin', async () => {
    const page = await browser.newPage(origin);
    const kinds = await page.evaluate<string[]>(
      'navigator.mediaDevices.getUserMedia({ audio: true, video: true })' +
        '.then((stream) => stream.getTracks().map((track) => track.kind).sort())',
    );
    expect(kinds).toEqual(['audio', 'video']);
  });

  test('offers the loopback address as a candidate', async () => {
    const page = await browser.newPage(origin);
    const addresses = await page.evaluate<string[]>(`(async () => {
      await navigator.mediaDevices.getUserMedia({ audio: true });
      const peer = new RTCPeerConnection({ iceServers: [] });
      peer.createDataChannel('any');
      const found = [];
      const gathered = new Promise((resolve) => {
        peer.onicecandidate = ({ candidate }) => candidate ? found.push(candidate.address) : resolve();
      });
      await peer.setLocalDescription();
      await gathered;
      peer.close();
      return found;
    })()`);
    expect(addresses).toContain('127.0.0.1');
  });

  test('keeps pages apart: what one stores, another does not see', async () => {
    const first = await browser.newPage(origin);
    await first.evaluate('localStorage.setItem("mine", "1")');
    const second = await browser.newPage(origin);
    expect(await second.evaluate('localStorage.getItem("mine")')).toBeNull();
  });

  test('may be closed twice', async () => {
    const other = await openChromium();
    await other.close();
    await expect(other.close()).resolves.toBeUndefined();
  });
});
