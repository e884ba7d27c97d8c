/** The pages of the console by their paths, and what its forms do. */
import type { StatusResult } from '../actions/things.ts';
import { asking, type Asked, type NotShown, type Shown } from './asked.ts';
import { beginExamination, doctorPage } from './doctor.ts';
import { eventsPage } from './events.ts';
import { articlePage, articlesPage } from './knowledge.ts';
import { conditionsPage, overview } from './overview.ts';
import { partsPage } from './parts.ts';
import { changeMessage, messagePage, queuePage, tracePage } from './queue.ts';

interface Place {
  /** The place in the navigation. */
  readonly at: string;
  readonly pattern: RegExp;
  /** Makes it; `word` is what stands in the path. */
  show(asked: Asked, word: string): Promise<Shown | NotShown>;
}

interface Change {
  readonly pattern: RegExp;
  /** Does it, and says which page comes then. */
  change(asked: Asked, form: URLSearchParams, words: readonly string[]): Promise<{ readonly to: string } | NotShown>;
}

const ofStatus =
  (title: string, content: (status: StatusResult) => Shown['content']) =>
  (asked: Asked): Promise<Shown | NotShown> =>
    asking<StatusResult>(asked, 'status', {}, (status) => ({ title, content: content(status) }));

/** The pages. */
export const places: readonly Place[] = [
  { at: '/', pattern: /^\/$/, show: ofStatus('Overview', overview) },
  { at: '/parts', pattern: /^\/parts$/, show: ofStatus('Parts', partsPage) },
  { at: '/conditions', pattern: /^\/conditions$/, show: ofStatus('What the checks found', conditionsPage) },
  { at: '/queue', pattern: /^\/queue$/, show: queuePage },
  { at: '/queue', pattern: /^\/queue\/([^/]{1,200})$/, show: messagePage },
  { at: '/queue', pattern: /^\/trace$/, show: tracePage },
  { at: '/events', pattern: /^\/events$/, show: eventsPage },
  { at: '/doctor', pattern: /^\/doctor$/, show: doctorPage },
  { at: '/kb', pattern: /^\/kb$/, show: articlesPage },
  { at: '/kb', pattern: /^\/kb\/([^/]{1,100})$/, show: articlePage },
];

/** The forms. */
export const changes: readonly Change[] = [
  { pattern: /^\/doctor$/, change: beginExamination },
  { pattern: /^\/queue\/([^/]{1,200})\/(retry|hold|release)$/, change: changeMessage },
];
