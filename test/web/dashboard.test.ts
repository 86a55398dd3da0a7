/** The dashboard in a real browser, while peers relay. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Route } from 'playwright-core';
import { Figures, quantile } from '../../src/web/prometheus-text.js';
import { openChromium, type Browser } from '../support/chromium.js';
import { buildPagesFor, comesTrue, openWatched } from '../support/pages.js';
import { ProcessBuild } from '../support/process-build.js';
import { ServerProcess } from '../support/server-process.js';

const withinMs = 40_000;
const token = 'the token of an operator in tests';

let made: ProcessBuild;
let server: ServerProcess;
let browser: Browser;

beforeAll(async () => {
  made = await ProcessBuild.make('src/main.ts');
  await buildPagesFor(made.folder);
  server = await ServerProcess.start(made.entry, { ADMIN_TOKEN: token });
  browser = await openChromium();
});

afterAll(async () => {
  await browser.close();
  await server.stop();
  made.remove();
});

/** The number of a card. */
const card = (name: string): string =>
  `Number(([...document.querySelectorAll('#cards div')].find((one) => one.firstChild.textContent === '${name}')` +
  `?.lastChild.textContent ?? '').replaceAll(/[^0-9.]/g, ''))`;

describe('the dashboard page', () => {
  test('[H15] asks for the token, then shows numbers that grow while peers relay', async () => {
    const { node } = server;
    const { page, complaints } = await openWatched(browser, `${node.http}/dashboard`);
    expect(await comesTrue(page, `!document.getElementById('gate').hidden`, withinMs)).toBe(true);
    expect(await page.evaluate<string>('document.getElementById("cards").textContent')).toBe('');
    await page.getByLabel('ADMIN_TOKEN').fill('not the token');
    await page.getByRole('button', { name: 'Show' }).click();
    const isWrong = `document.getElementById('reason').textContent.includes('This is not ADMIN_TOKEN')`;
    expect(await comesTrue(page, isWrong, withinMs)).toBe(true);
    await page.getByLabel('ADMIN_TOKEN').fill(token);
    await page.getByLabel('ADMIN_TOKEN').press('Enter');
    expect(await comesTrue(page, `document.getElementById('state').textContent === 'ready'`, withinMs)).toBe(
      true,
    );
    expect(await page.evaluate(card('Connections'))).toBe(0);

    const user = await node.signIn();
    const room = await node.createRoom(user);
    const ada = await node.register(room, 'ada', user);
    const ben = await node.register(room, 'ben', await node.signIn());
    const timer = setInterval(() => {
      for (let sent = 0; sent < 10; sent += 1)
        ada.send({
          type: 'candidate',
          sender: 'ada',
          target: 'ben',
          candidate: { candidate: '', sdpMid: null, sdpMLineIndex: 0 },
        });
    });
    const heard = ben.expect({ type: 'candidate' });
    const missing = `[...document.querySelectorAll('#cards div, .latest span')].filter(
      ({ textContent }) => textContent.includes('–'))`;
    try {
      await heard;
      for (const isSo of [
        `${card('Connections')} === 2`,
        `${card('Sessions in rooms')} === 2`,
        `${card('Relayed a second')} > 20`,
        `${card('Relay latency p99')} > 0`,
        `document.getElementById('rooms').textContent.includes('${room.room_id}')`,
        // What is drawn is what the server has.
        `${missing}.length === 0`,
      ])
        expect([isSo, await comesTrue(page, isSo, withinMs)]).toEqual([isSo, true]);
    } finally {
      clearInterval(timer);
    }
    const drawn = await page.evaluate<number>(`document.querySelectorAll('#charts canvas').length`);
    expect(drawn).toBe(6);
    // A table that does not fit is there for the keyboard too.
    await page.setViewportSize({ width: 300, height: 600 });
    expect(await comesTrue(page, `document.getElementById('rooms').tabIndex === 0`, withinMs)).toBe(true);
    const stored = await page.evaluate<object>('({ cookie: document.cookie, kept: { ...sessionStorage } })');
    expect(stored).toEqual({ cookie: '', kept: { 'dashboard.token': token } });
    // The two refusals are what the test has asked for.
    expect(complaints.filter((text) => !text.includes('401'))).toEqual([]);
  });

  test('[H15] says what is wrong while the server does not answer, or another one does, and goes on when it does', async () => {
    const { page } = await openWatched(browser, `${server.node.http}/dashboard`, {
      prepare: `sessionStorage.setItem('dashboard.token', ${JSON.stringify(token)});`,
    });
    const says = async (text: string): Promise<void> => {
      const isSo = `document.getElementById('state').textContent === ${JSON.stringify(text)}`;
      expect([text, await comesTrue(page, isSo, withinMs)]).toEqual([text, true]);
    };
    await says('ready');
    const html = { contentType: 'text/html', body: '<h1>Sorry</h1>' };
    const asked: readonly (readonly [said: string, meet: (route: Route) => Promise<void>])[] = [
      ['the server says 502', (route) => route.fulfill({ ...html, status: 502 })],
      ['the server says 429', (route) => route.fulfill({ status: 429, json: { detail: 'Too many' } })],
      ['what answers is not the server', (route) => route.fulfill({ ...html, status: 200 })],
      ['the server does not answer', (route) => route.abort()],
    ];
    for (const [said, meet] of asked) {
      await page.route('**/dashboard/data', meet);
      await says(said);
      await page.unroute('**/dashboard/data');
      await says('ready');
    }
    // It takes the question, and says nothing.
    await page.route('**/dashboard/data', () => undefined);
    await says('the server does not answer');
    await page.unroute('**/dashboard/data');
    await says('ready');
    await page.route('**/dashboard/data', (route) => route.fulfill({ ...html, status: 403 }));
    await says('locked');
    expect(await page.evaluate<string>(`document.getElementById('reason').innerText`)).toBe(
      'The answer is 403.',
    );
    await page.close();
  }, 120_000);

  test('[H15] tells no rate between the counts of two processes', async () => {
    const rates = `[...document.querySelectorAll('#cards div')].find(
      (one) => one.firstChild.textContent === 'Relayed a second')?.lastChild.textContent`;
    const page = await browser.newPage('about:blank');
    // What each answer makes of it, by its number.
    await page.addInitScript(`
      sessionStorage.setItem('dashboard.token', ${JSON.stringify(token)});
      window.seen = [];
      new MutationObserver(() => {
        const [, answer] = /^answer (\\d+)/.exec(document.getElementById('decisions')?.textContent ?? '') ?? [];
        if (answer !== undefined) window.seen[answer] = ${rates};
      }).observe(document, { childList: true, subtree: true });`);
    const starts = [1, 1, 2, 2, 1];
    let answers = 0;
    await page.route('**/dashboard/data', async (route) => {
      const start = starts[answers] ?? 0;
      const relayed = 1_000_000 * start + answers;
      const metrics = `process_start_time_seconds ${String(start)}\nsignaling_messages_relayed_total ${String(relayed)}\n`;
      const decisions = [`answer ${String(answers)}`];
      answers += 1;
      await route.fulfill({ json: { at_ms: 1_000 * answers, not_ready: [], decisions, rooms: [], metrics } });
    });
    await page.goto(`${server.node.http}/dashboard`);
    expect(await comesTrue(page, `window.seen.length >= ${String(starts.length)}`, withinMs)).toBe(true);
    expect(await page.evaluate<string[]>(`window.seen.slice(0, ${String(starts.length)})`)).toEqual([
      '–',
      '1',
      '–',
      '1',
      '–',
    ]);
    expect(await page.evaluate<string>(`document.getElementById('age').textContent`)).toContain(
      'several servers answer here in turn',
    );
    await page.close();
  }, 60_000);

  test('[H15] a token that no browser can send is none', async () => {
    const { page } = await openWatched(browser, `${server.node.http}/dashboard`);
    expect(await comesTrue(page, `!document.getElementById('gate').hidden`, withinMs)).toBe(true);
    await page.getByLabel('ADMIN_TOKEN').fill('schlüssel');
    await page.getByLabel('ADMIN_TOKEN').press('Enter');
    const isTold = `document.getElementById('reason').textContent.includes('ASCII only')`;
    expect(await comesTrue(page, isTold, withinMs)).toBe(true);
    await page.close();
  }, 60_000);

  test('[H15] the documents are drawn, with nothing from elsewhere', async () => {
    const { page, complaints } = await openWatched(browser, `${server.node.http}/reference`);
    expect(
      await comesTrue(page, `document.querySelectorAll('#channels details').length > 100`, withinMs),
    ).toBe(true);
    await page.getByLabel('Show what has').fill('/create-room');
    const shown = `[...document.querySelectorAll('details')].filter(({ hidden }) => !hidden).length === 1`;
    expect(await comesTrue(page, shown, withinMs)).toBe(true);
    expect(complaints).toEqual([]);
  });
});

describe('figures as the dashboard reads them', () => {
  test('[H15] names, labels and values; what is not there is nothing', () => {
    const figures = new Figures(
      '# HELP a b\n# TYPE a counter\na_total{code="X",why="a \\"b\\" \\\\ c"} 3\na_total{code="Y"} 4.5 1700000\nb +Inf\nnonsense\n',
    );
    expect(figures.samples('a_total')[0]).toEqual({ labels: { code: 'X', why: 'a "b" \\ c' }, value: 3 });
    expect(figures.sum('a_total')).toBe(7.5);
    expect(figures.sum('a_total', { code: 'Y' })).toBe(4.5);
    expect(figures.sum('b')).toBe(Infinity);
    expect(figures.sum('c')).toBeUndefined();
    expect(['a', 'a_total', 'c'].map((name) => figures.has(name))).toEqual([true, true, false]);
  });

  test('[H15] quantiles of what came between two readings', () => {
    const buckets = (...counts: readonly number[]): readonly { labels: { le: string }; value: number }[] =>
      ['0.001', '0.002', '+Inf'].map((le, index) => ({ labels: { le }, value: counts[index] ?? 0 }));
    expect(quantile(buckets(5, 5, 5), buckets(5, 5, 5), 0.5)).toBeUndefined();
    expect(quantile(buckets(5, 5, 5), buckets(15, 15, 15), 0.5)).toBeCloseTo(0.0005);
    expect(quantile(buckets(0, 0, 0), buckets(10, 20, 20), 0.75)).toBeCloseTo(0.0015);
    expect(quantile(buckets(0, 0, 0), buckets(0, 0, 10), 0.99)).toBe(0.002);
  });
});
