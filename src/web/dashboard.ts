/** The dashboard: asks each second, and shows. */
import { ofTab } from './browser-store.js';
import { Locked, NoAnswer, readDashboard, type DashboardData } from './dashboard-data.js';
import { DashboardView, startOf, type Reading } from './dashboard-view.js';
import { element, tell } from './elements.js';
import { errorText } from './error-text.js';
import { Figures } from './prometheus-text.js';

const everyMs = 1_000;
const tokenKey = 'dashboard.token';

const [gate, board] = [element('gate', HTMLFormElement), element('board', HTMLElement)];
const state = element('state', HTMLElement);
let view: DashboardView | undefined;
let before: Reading | undefined;
let isWatching = false;
/** When the processes began that have answered. */
const starts = new Set<number | undefined>();
let severalAnswer = false;

function show(data: DashboardData): void {
  gate.hidden = true;
  board.hidden = false;
  // Charts measure themselves, so there must be something to measure.
  view ??= new DashboardView();
  const now = { atMs: data.at_ms, figures: new Figures(data.metrics) };
  if (before?.atMs !== now.atMs) {
    view.show(data, now, before);
    const start = startOf(now);
    severalAnswer ||= before !== undefined && startOf(before) !== start && starts.has(start);
    starts.add(start);
    before = now;
  }
  const isReady = data.not_ready.length === 0;
  const isDraining = data.not_ready.includes('draining');
  tell(
    state,
    isReady ? 'ready' : `not ready: ${data.not_ready.join(', ')}`,
    isReady ? 'good' : isDraining ? 'warn' : 'bad',
  );
  const remedy = severalAnswer ? '; several servers answer here in turn: ask one by its own address' : '';
  tell(element('age', HTMLElement), `${new Date(data.at_ms).toLocaleTimeString()}${remedy}`);
}

/** Until the server wants a token. */
async function watch(): Promise<void> {
  if (isWatching) return;
  isWatching = true;
  for (;;) {
    try {
      show(await readDashboard(ofTab.get(tokenKey)));
    } catch (error) {
      if (error instanceof Locked) {
        lock(error);
        return;
      }
      pass(error);
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** What is shown stays, and is said to be old. */
function pass(error: unknown): void {
  view?.interrupt();
  if (error instanceof NoAnswer) {
    tell(state, error.message, 'bad');
  } else {
    tell(state, `this page has failed: ${errorText(error)}`, 'bad');
    reportError(error);
  }
}

function lock({ message, needsToken }: Locked): void {
  isWatching = false;
  ofTab.delete(tokenKey);
  tell(state, 'locked', 'warn');
  board.hidden = true;
  gate.hidden = false;
  element('reason', HTMLElement).textContent = `${message}.`;
  for (const part of gate.querySelectorAll<HTMLElement>('label, .row, .soft')) part.hidden = !needsToken;
  if (needsToken) element('token', HTMLInputElement).focus();
}

gate.onsubmit = (event) => {
  event.preventDefault();
  const token = element('token', HTMLInputElement);
  ofTab.set(tokenKey, token.value.trim());
  token.value = '';
  void watch();
};
void watch();
