/** The demo page in a real browser: two tabs, directly and through the real Media Service. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Page, WebSocketRoute } from 'playwright-core';
import { openChromium, type Browser } from '../support/chromium.js';
import { freePort } from '../support/free-port.js';
import { mediaKey, MediaProcess } from '../support/media-service.js';
import { buildPagesFor, comesTrue, openWatched, type WatchedPage } from '../support/pages.js';
import { ProcessBuild } from '../support/process-build.js';
import { ServerProcess } from '../support/server-process.js';

/** Of a machine with two busy cores. */
const withinMs = 40_000;

let serverBuild: ProcessBuild;
let mediaBuild: ProcessBuild;
let media: MediaProcess;
let server: ServerProcess;
let settings: Readonly<Record<string, string>>;
let browser: Browser;
let ada: WatchedPage;
let ben: WatchedPage;

beforeAll(async () => {
  [serverBuild, mediaBuild] = await Promise.all([
    ProcessBuild.make('src/main.ts'),
    ProcessBuild.make('src/media/main.ts'),
  ]);
  await buildPagesFor(serverBuild.folder);
  media = await MediaProcess.start(mediaBuild.entry);
  settings = {
    HTTP_PORT: String(await freePort()),
    MEDIA_SERVICE_URL: media.url,
    INTERNAL_SERVICE_KEY: mediaKey,
  };
  server = await ServerProcess.start(serverBuild.entry, settings);
  browser = await openChromium();
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  await media.stop();
  serverBuild.remove();
  mediaBuild.remove();
});

async function join({ page }: WatchedPage, name: string): Promise<void> {
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join' }).click();
  await until(page, 'connected', `document.getElementById('line').textContent.startsWith('connected')`);
}

async function until(page: Page, what: string, isSo: string): Promise<void> {
  if (await comesTrue(page, isSo, withinMs)) return;
  const shown = await page.evaluate<string>('document.body.innerText');
  throw new Error(`${what}: not so\n${shown}\n${ada.complaints.join('\n')}\n${server.output}`);
}

/** The pictures of others: frames are decoded and sound comes, beyond what was measured before. */
async function plays(page: Page, others = 1): Promise<void> {
  const tiles = `[...document.querySelectorAll('.tile:not(.self)')]`;
  const isPlaying = `({ dataset }) => Number(dataset.framesDecoded) > 5 && Number(dataset.audioSamples) > 1000`;
  await until(page, 'plays', `${tiles}.filter(${isPlaying}).length === ${String(others)}`);
}

async function shows(page: Page, id: string, text: string): Promise<void> {
  const isShown = `document.getElementById('${id}').innerText.includes(${JSON.stringify(text)})`;
  await until(page, `${id} shows ${text}`, isShown);
}

async function say(page: Page, words: string): Promise<void> {
  await page.getByLabel('Message').fill(words);
  await page.getByLabel('Message').press('Enter');
}

describe('the demo page', () => {
  test('[H16] two tabs of one browser meet without a link, see and hear each other, and chat', async () => {
    ada = await openWatched(browser, `${server.node.http}/demo`);
    await join(ada, 'Ada');
    ben = await openWatched(browser, `${server.node.http}/demo`, { context: ada.page.context() });
    await join(ben, 'Ben');
    await Promise.all([plays(ada.page), plays(ben.page)]);
    await say(ada.page, 'hello <b>Ben</b>');
    await shows(ben.page, 'said', 'Ada: hello <b>Ben</b>');
    await shows(ada.page, 'said', 'Ada: hello <b>Ben</b>');
    await shows(ben.page, 'people', 'Ada (host)');
    await shows(ben.page, 'tiles', 'connected');
    expect(await ben.page.getByRole('button', { name: 'Switch to SFU' }).isDisabled()).toBe(true);
  });

  test('[H16] muted and dark: what is held back is not sent', async () => {
    await ada.page.getByRole('button', { name: 'Camera off' }).click();
    await ada.page.getByRole('button', { name: 'Mute' }).click();
    expect(await ada.page.getByRole('button', { name: 'Unmute' }).isVisible()).toBe(true);
    const held = await ada.page.evaluate<boolean[]>(
      `document.querySelector('.self video').srcObject.getTracks().map(({ enabled }) => enabled)`,
    );
    expect(held).toEqual([false, false]);
    await ada.page.getByRole('button', { name: 'Camera on' }).click();
    await ada.page.getByRole('button', { name: 'Unmute' }).click();
  });

  test('[H16] to the Media Service and back, with a third who has the link and no camera', async () => {
    await ada.page.getByRole('button', { name: 'Switch to SFU' }).click();
    for (const { page } of [ada, ben]) await shows(page, 'mode', 'SFU');
    await Promise.all([plays(ada.page), plays(ben.page)]);
    const link = await ada.page.getByLabel('Link to this room').inputValue();
    const cyd = await openWatched(browser, link, {
      prepare: `navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('none', 'NotFoundError'))`,
    });
    await join(cyd, '<i>Cyd</i>');
    await shows(ada.page, 'tiles', '<i>Cyd</i>');
    await shows(
      cyd.page,
      'notice',
      'There is no camera or no microphone. You are shown as a made-up picture',
    );
    await Promise.all([plays(ada.page, 2), plays(ben.page, 2), plays(cyd.page, 2)]);
    await ada.page.getByRole('button', { name: 'Switch to P2P' }).click();
    for (const { page } of [ada, ben, cyd]) await shows(page, 'mode', 'P2P');
    await Promise.all([plays(ada.page, 2), plays(ben.page, 2), plays(cyd.page, 2)]);
    await cyd.page.getByRole('button', { name: 'Leave' }).click();
    await shows(cyd.page, 'line', 'not in a call');
    await until(ada.page, 'Cyd has left', `!document.getElementById('people').innerText.includes('Cyd')`);
    expect(cyd.complaints).toEqual([]);
    await cyd.page.close();
  });

  test('[H16] nothing was complained of: no violation of the policy, no error', () => {
    expect([...ada.complaints, ...ben.complaints]).toEqual([]);
  });

  test('[H16] over a restart of a server that forgets everything both tabs meet again, though a proxy has no server at first', async () => {
    let refusals = 2;
    await ada.page.route('**/anonymous-signin', (route) => {
      refusals -= 1;
      return refusals < 0
        ? route.continue()
        : route.fulfill({ status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' });
    });
    await server.stop();
    await shows(ada.page, 'line', 'connecting to the server again');
    server = await ServerProcess.start(serverBuild.entry, settings);
    for (const { page } of [ada, ben]) {
      await until(page, 'connected', `document.getElementById('line').textContent.startsWith('connected')`);
      await plays(page);
    }
    await say(ben.page, 'here again');
    await shows(ada.page, 'said', 'Ben: here again');
    for (const { page } of [ada, ben]) await page.close();
  });

  test('[H16] who presses Join again while the browser asks for the camera is there once', async () => {
    const { page } = await openWatched(browser, `${server.node.http}/demo`, {
      prepare: `
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        window.asked = [];
        navigator.mediaDevices.getUserMedia = (wanted) =>
          new Promise((resolve) => window.asked.push(() => resolve(ask(wanted))));`,
    });
    await page.getByLabel('Your name').fill('Eve');
    for (let press = 0; press < 3; press += 1) await page.getByLabel('Your name').press('Enter');
    expect(await page.evaluate<number>('window.asked.length')).toBe(1);
    await page.evaluate('window.asked.forEach((allow) => allow())');
    await shows(page, 'people', 'Eve (you, host)');
    expect(await page.evaluate<number>(`document.querySelectorAll('.tile').length`)).toBe(1);
    await page.close();
  }, 60_000);

  test('[H16] who leaves is out at once, though the server has not answered yet, and is not in when it does', async () => {
    const { page, complaints } = await openWatched(browser, `${server.node.http}/demo`, {
      prepare: `
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (wanted) => (window.given = await ask(wanted));`,
    });
    let answer: () => Promise<void> = () => Promise.resolve();
    const asked = new Promise<void>((resolve) => {
      void page.route('**/create-room', (route) => {
        answer = () => route.continue();
        resolve();
      });
    });
    await page.getByRole('button', { name: 'Join' }).click();
    await asked;
    await page.getByRole('button', { name: 'Leave' }).click();
    await shows(page, 'line', 'not in a call');
    const isDark = `window.given.getTracks().every(({ readyState }) => readyState === 'ended')`;
    expect(await page.evaluate<boolean>(isDark)).toBe(true);
    const opened = page.waitForEvent('websocket');
    await answer();
    const socket = await opened;
    await Promise.all([
      socket.waitForEvent('framereceived', ({ payload }) => payload.includes('"room_joined"')),
      socket.waitForEvent('close'),
    ]);
    await shows(page, 'line', 'not in a call');
    expect(await page.evaluate<boolean>(`document.getElementById('call').hidden`)).toBe(true);
    expect(complaints).toEqual([]);
    await page.close();
  }, 60_000);

  test('[H16] what becomes of sockets after the user has left is not shown', async () => {
    const page = await browser.newPage('about:blank');
    let take: (socket: WebSocketRoute) => void = () => undefined;
    const opened = new Promise<WebSocketRoute>((resolve) => {
      take = resolve;
    });
    await page.routeWebSocket(/./, (socket) => {
      take(socket);
    });
    await page.goto(`${server.node.http}/demo`);
    await page.getByRole('button', { name: 'Join' }).click();
    const socket = await opened;
    await page.getByRole('button', { name: 'Leave' }).click();
    await socket.close();
    expect(await page.evaluate<string>(`document.getElementById('line').textContent`)).toBe('not in a call');
    await page.close();
  }, 60_000);

  test('[H16] who comes and is refused is told why, and may try again', async () => {
    const { page } = await openWatched(browser, `${server.node.http}/demo`);
    const refusal = { status: 429, json: { detail: 'Too many requests', retry_after_ms: 100 } };
    await page.route('**/anonymous-signin', (route) => route.fulfill(refusal));
    await page.getByRole('button', { name: 'Join' }).click();
    await shows(page, 'notice', 'The server refused: Too many requests');
    await shows(page, 'line', 'not in a call');
    await page.unroute('**/anonymous-signin');
    await join({ page, complaints: [] }, 'Hal');
    await page.close();
  }, 60_000);

  test('[H16] leads on from a room whose follower is gone too, also where the browser keeps nothing', async () => {
    const gone = '#room=gone&token=any';
    const followers = JSON.stringify({ gone: { roomId: 'gone-too', token: 'any' } });
    const kept = await openWatched(browser, `${server.node.http}/demo${gone}`, {
      prepare: `localStorage.setItem('demo.followed-by', ${JSON.stringify(followers)});`,
    });
    await join(kept, 'Fay');
    await shows(kept.page, 'notice', 'That room is gone');
    const blocked = await openWatched(browser, `${server.node.http}/demo`, {
      prepare: `Object.defineProperty(window, 'localStorage', {
        get: () => { throw new DOMException('blocked', 'SecurityError'); },
      });`,
    });
    await join(blocked, 'Gil');
    for (const { page, complaints } of [kept, blocked]) {
      expect(complaints).toEqual([]);
      await page.close();
    }
  }, 60_000);

  test('[H16] without a Media Service the button says so', async () => {
    const alone = await ServerProcess.start(serverBuild.entry, {});
    try {
      ada = await openWatched(browser, `${alone.node.http}/demo`);
      await join(ada, 'Ada');
      await ada.page.getByRole('button', { name: 'Switch to SFU' }).click();
      await shows(ada.page, 'why', 'This server has no Media Service');
    } finally {
      await alone.stop();
    }
  });
});
