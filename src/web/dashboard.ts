/** The dashboard: asks each second, and shows. */
import { Locked, readDashboard } from './dashboard-data.js';
import { DashboardView, type Reading } from './dashboard-view.js';
import { element, tell } from './elements.js';
import { Figures } from './prometheus-text.js';

const everyMs = 1_000;
const tokenKey = 'dashboard.token';

const [gate, board] = [element('gate', HTMLFormElement), element('board', HTMLElement)];
const state = element('state', HTMLElement);
let view: DashboardView | undefined;
let before: Reading | undefined;

async function look(): Promise<void> {
  const data = await readDashboard(sessionStorage.getItem(tokenKey));
  gate.hidden = true;
  board.hidden = false;
  // Charts measure themselves, so there must be something to measure.
  view ??= new DashboardView();
  const now = { atMs: data.at_ms, figures: new Figures(data.metrics) };
  if (before?.atMs !== now.atMs) {
    view.show(data, now, before);
    before = now;
  }
  const isReady = data.not_ready.length === 0;
  const isDraining = data.not_ready.includes('draining');
  tell(
    state,
    isReady ? 'ready' : `not ready: ${data.not_ready.join(', ')}`,
    isReady ? 'good' : isDraining ? 'warn' : 'bad',
  );
  tell(element('age', HTMLElement), new Date(data.at_ms).toLocaleTimeString());
}

/** Until the server wants a token. */
async function watch(): Promise<void> {
  for (;;) {
    try {
      await look();
    } catch (error) {
      if (error instanceof Locked) {
        lock(error);
        return;
      }
      tell(state, 'the server does not answer', 'bad');
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

function lock({ message, needsToken }: Locked): void {
  sessionStorage.removeItem(tokenKey);
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
  sessionStorage.setItem(tokenKey, token.value);
  token.value = '';
  void watch();
};
void watch();
