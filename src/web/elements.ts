/** The element of the page with that id. Throws where the page and its script do not fit. */
export function element<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} called ${id}`);
}

/** A new element with that text in it; what is in it is never read as HTML. */
export function make<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  text = '',
  className = '',
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className !== '') made.className = className;
  return made;
}

export type Tone = 'good' | 'warn' | 'bad';

/** Text with a colour that says how good that is. */
export function tell(where: HTMLElement, text: string, tone?: Tone): void {
  if (where.textContent !== text) where.textContent = text;
  if (tone === undefined) delete where.dataset['tone'];
  else where.dataset['tone'] = tone;
}
