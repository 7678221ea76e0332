import type { ComponentChildren, RefObject } from 'preact';
import { useStore } from './net/use-store';
import { AutoIcon, MoonIcon, SunIcon } from './parts/icons';
import type { Route } from './route';
import { compact, grouped } from './text/format';
import { nextTheme, type Theme, theme } from './theme';

const THEME_ICONS = { auto: AutoIcon, light: SunIcon, dark: MoonIcon };
const THEME_WORDS: Readonly<Record<Theme, string>> = { auto: 'automatic', light: 'light', dark: 'dark' };

function ThemeButton() {
  const current = useStore(theme);
  const Icon = THEME_ICONS[current];
  const label = `Theme: ${THEME_WORDS[current]}`;
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={nextTheme}>
      <Icon />
    </button>
  );
}

const PLACES = [
  { href: '#/', title: 'Overview', pages: ['overview'] },
  { href: '#/traces', title: 'Traces', pages: ['traces', 'trace'] },
  { href: '#/trouble', title: 'Trouble', pages: ['trouble'] },
];

function Navigation({ page, troubles }: { page: Route['page']; troubles: number }) {
  return (
    <nav aria-label="Places">
      {PLACES.map(({ href, title, pages }) => (
        <a key={href} href={href} aria-current={pages.includes(page) ? 'page' : undefined}>
          {title}
          {href === '#/trouble' && troubles > 0 && (
            <span class="nav-badge" title={`${grouped(troubles)} troubles`}>
              <span aria-hidden="true">{compact(troubles)}</span>
              <span class="visually-hidden"> {grouped(troubles)} troubles</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}

export function Shell(props: {
  readonly page: Route['page'];
  readonly isReached: boolean;
  readonly troubles: number;
  readonly version: string | null;
  readonly content: RefObject<HTMLElement | null>;
  readonly children: ComponentChildren;
}) {
  const skip = (event: Event) => {
    // The hash is where the page is: the link must not change it.
    event.preventDefault();
    props.content.current?.focus();
  };
  const isFixed = props.page === 'traces' || props.page === 'trace';
  return (
    <div class={isFixed ? 'shell fixed' : 'shell'}>
      {/* biome-ignore lint/a11y/useValidAnchor: to who cannot see it this is a link to a place of the page */}
      <a class="skip" href="#content" onClick={skip}>
        Skip to the content
      </a>
      <header class="top">
        <a class="brand" href="#/" title={`langfuse-otlp-gateway ${props.version ?? ''}`}>
          <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true" focusable="false">
            <rect width="32" height="32" rx="7" />
            <path d="M7 9h18M7 16h11M14 23h11" />
          </svg>
          <span>langfuse-otlp-gateway</span>
        </a>
        <Navigation page={props.page} troubles={props.troubles} />
        <ThemeButton />
      </header>
      <div role="status">{!props.isReached && <p class="banner">The gateway does not answer; trying again.</p>}</div>
      <main id="content" ref={props.content} tabIndex={-1}>
        {props.children}
      </main>
    </div>
  );
}
