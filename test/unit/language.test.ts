/**
 * Plain English in source, messages and documents: a word here is understood only by those who wrote this, or is out of use. Names count as well:
 * a message often repeats them.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { repository } from '../support/cluster/paths.ts';

interface Banned {
  readonly pattern: RegExp;
  readonly why: string;
  readonly plain: string;
}

const PRIVATE = 'a private word';
const DATED = 'out of use, or only in stories';
const VAGUE = 'it does not say what happened';
const STATE = 'a host is alive, suspect, down, removed or joining; a container has Docker’s states';

const BANNED: readonly Banned[] = [
  { pattern: /\btold\b/i, why: DATED, plain: 'sent, reported, notified, given' },
  { pattern: /\btells? of\b/i, why: DATED, plain: 'reports, describes' },
  { pattern: /\b(given|gives?|gave|giving) up\b/i, why: VAGUE, plain: 'cancelled, abandoned, released, stopped waiting' },
  { pattern: /\bputs?( \w+)? right\b/i, why: DATED, plain: 'repair, restore' },
  { pattern: /\bforsaken\b/i, why: DATED, plain: 'isolated' },
  { pattern: /(?<!fo)reign/i, why: PRIVATE, plain: 'term, leadership' },
  { pattern: /\bplant(s|ed|ing)?\b/i, why: PRIVATE, plain: 'injected bug' },
  { pattern: /\btrip ?points?\b/i, why: PRIVATE, plain: 'failpoint' },
  { pattern: /\bamiss\b/i, why: DATED, plain: 'wrong, differs, drift' },
  { pattern: /\b(is|are|was|were|be|been) away\b/i, why: STATE, plain: 'unreachable, down, disconnected' },
  { pattern: /\b(went|goes|go|gone|going) away\b/i, why: VAGUE, plain: 'disconnected, ended, was removed' },
  { pattern: /\b(is|are|was|were|be|been)( not)? there\b(?! (a|an|any|no|one)\b)/i, why: VAGUE, plain: 'exists, is present, is connected' },
  { pattern: /\bno good\b/i, why: VAGUE, plain: 'fails its health check, invalid' },
  { pattern: /\bis good\b/i, why: VAGUE, plain: 'is healthy' },
  { pattern: /\bthat were none\b/i, why: DATED, plain: 'malformed' },
  { pattern: /\banew\b/i, why: DATED, plain: 'again, from scratch' },
  { pattern: /\bwish(es|ed)?\b|Wish(es)?\b/, why: DATED, plain: 'request, options' },
  { pattern: /\b(an?|the|its|our|these|all) asks?\b/i, why: PRIVATE, plain: 'request, query' },
  { pattern: /\b(an?|the|its) asking\b/i, why: PRIVATE, plain: 'request, query' },
  { pattern: /\basker\b/i, why: PRIVATE, plain: 'client' },
  { pattern: /doubt/i, why: STATE, plain: 'suspect' },
  { pattern: /\bunsaid\b/i, why: PRIVATE, plain: 'dropNulls, not given' },
  { pattern: /\boverlaid\b|\blaid over\b/i, why: PRIVATE, plain: 'merged' },
  { pattern: /\b(fell|falls?|is|are|was|went|goes) silent\b/i, why: STATE, plain: 'does not answer, lost' },
  { pattern: /\bwhoever\b/i, why: DATED, plain: 'any client that, whichever' },
  { pattern: /\bmend(s|ed|ing)?\b/i, why: DATED, plain: 'fix, repair' },
  { pattern: /\b(another|by|an?) hand\b(?!-)/i, why: PRIVATE, plain: 'externally, manually, by an operator' },
  { pattern: /\bwithout a word\b/i, why: DATED, plain: 'silently, without notice' },
  { pattern: /\b(whence|hence|thereof|thereby|thither)\b/i, why: DATED, plain: 'so, of it' },
  { pattern: /\bof ours\b/i, why: VAGUE, plain: 'of arpanet, that arpanet created' },
  { pattern: /(\*|\/\/|[.;:]) Who [a-z]+s?\b/, why: DATED, plain: 'a client that …, whatever …' },
  { pattern: /\b(hears?|heard|hearing) of\b/i, why: DATED, plain: 'heard from, is notified of' },
  { pattern: /\b(on|upon) (its|his|their) way\b/i, why: VAGUE, plain: 'in transit, passed on, in progress' },
  { pattern: /\bin vain\b/i, why: DATED, plain: 'without success' },
  { pattern: /\bfor good\b/i, why: VAGUE, plain: 'permanently' },
  { pattern: /\bthe door\b/i, why: PRIVATE, plain: 'the endpoint' },
  { pattern: /\bpokes?\b/i, why: PRIVATE, plain: 'announce, notify' },
  { pattern: /\bpulse\b/i, why: PRIVATE, plain: 'health' },
  { pattern: /\blanes?\b/i, why: PRIVATE, plain: 'queue' },
  { pattern: /\bkeepers?\b/i, why: PRIVATE, plain: 'store replica' },
  { pattern: /\bbeliev(e|es|ed)\b/i, why: VAGUE, plain: 'assume, trust, is configured with' },
  { pattern: /\btak(es?|en) up\b|\btook up\b/i, why: VAGUE, plain: 'applied, continued, adopted' },
  { pattern: /\b(goes|go|went) on with\b/i, why: DATED, plain: 'continues' },
  { pattern: /\bas new\b/i, why: VAGUE, plain: 'to its initial state' },
  { pattern: /\bstands?\b(?! for\b)/i, why: VAGUE, plain: 'is, is written, is listed' },
  { pattern: /\ball is well\b|\b(something|thing|things|what) (is|are) off\b/i, why: VAGUE, plain: 'no problems, problem' },
  { pattern: /\bnot its own\b/i, why: VAGUE, plain: 'is allocated to another' },
  { pattern: /\bis its own trouble\b/i, why: PRIVATE, plain: 'ignore the error' },
  { pattern: /\bdo(es)? not tell\b/i, why: DATED, plain: 'is not reported, is not supported' },
  { pattern: /\bcomes? to nothing\b/i, why: VAGUE, plain: 'fails, is cancelled' },
  { pattern: /\bas (it|he|they) likes?\b/i, why: VAGUE, plain: 'without limit' },
];

const filesBelow = (folder: string, ending: RegExp): readonly string[] =>
  readdirSync(join(repository, folder), { recursive: true })
    .map(String)
    .filter((path) => ending.test(path))
    .map((path) => `${folder}/${path}`);

describe('language', () => {
  it('has no private, dated or vague words in source, documents and README', () => {
    const paths = [
      'README.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
      'CHANGELOG.md',
      'test/README.md',
      ...filesBelow('src', /\.ts$/),
      ...filesBelow('docs', /\.md$/),
    ];
    const found = paths.flatMap((path) =>
      readFileSync(join(repository, path), 'utf8')
        .split('\n')
        .flatMap((line, index) =>
          BANNED.flatMap(({ pattern, why, plain }) => {
            const [word] = pattern.exec(line) ?? [];
            return word === undefined ? [] : [`${path}:${index + 1}: "${word}" (${why}): write ${plain}`];
          }),
        ),
    );
    assert.equal(found.length, 0, found.join('\n'));
  });
});
