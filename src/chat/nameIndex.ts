/*
 * Who has which name, so that nobody takes one that could be mistaken for another's.
 *
 * Two names of ASCII differ when they differ by `rfc1459`, however alike they look: people on IRC have always been
 * called al1ce beside alice. A name with anything else in it has to look unlike every other name, of ASCII or not.
 * That is symmetric but not transitive (a1ice and alice both collide with a look-alike in Cyrillic, and not with each
 * other), so keys of one Map cannot say it: the index counts, for each look, who has names of either sort.
 */
import { assert } from "../base/index.ts";
import { foldNick } from "./names.ts";
import { prototype } from "./unicode/confusables.ts";
import { foldCase, foldCompatibly, isAscii, toNfd } from "./unicode/normalization.ts";

/** How many there are of each. An owner may have the same name twice: as nick, and as what is shown. */
type Counts<Key> = Map<Key, number>;

interface Holder<Owner> {
  readonly owner: Owner;
  /** As they were taken, to the letter. */
  readonly spellings: Counts<string>;
}

interface Lookalikes<Owner> {
  readonly all: Counts<Owner>;
  readonly notAscii: Counts<Owner>;
}

/**
 * Names and their owners. A name is taken by one owner at a time, as often as they like, and given back as often.
 * Everything is a few look-ups in maps; the same calls in the same order give the same answers everywhere.
 *
 * ```ts
 * const names = new NameIndex<number>();
 * names.take("alice", 1); // true
 * names.take("al1ce", 2); // true
 * names.take("аlісе", 3); // false: Cyrillic
 * names.ownerOf("ALICE"); // 1
 * ```
 */
export class NameIndex<Owner> {
  readonly #owners = new Map<string, Holder<Owner>>();
  readonly #lookalikes = new Map<string, Lookalikes<Owner>>();

  /** Whether this owner could take it: nobody else has it, or one that it could be mistaken for. */
  isFree(name: string, owner: Owner): boolean {
    return this.#isFree(name, owner, skeletons(name));
  }

  /** @returns whether it was free; if not, nothing has changed */
  take(name: string, owner: Owner): boolean {
    const looks = skeletons(name);
    if (!this.#isFree(name, owner, looks)) return false;
    const key = identity(name);
    let holder = this.#owners.get(key);
    if (holder === undefined) {
      holder = { owner, spellings: new Map() };
      this.#owners.set(key, holder);
    }
    count(holder.spellings, name, 1);
    for (const look of looks) {
      let lookalikes = this.#lookalikes.get(look);
      if (lookalikes === undefined) {
        lookalikes = { all: new Map(), notAscii: new Map() };
        this.#lookalikes.set(look, lookalikes);
      }
      count(lookalikes.all, owner, 1);
      if (!isAscii(name)) count(lookalikes.notAscii, owner, 1);
    }
    return true;
  }

  /** Gives back, once, what this owner has taken in this very spelling. */
  release(name: string, owner: Owner): void {
    const key = identity(name);
    const holder = this.#owners.get(key);
    assert(holder !== undefined && holder.owner === owner, "only who has a name gives it back");
    count(holder.spellings, name, -1);
    if (holder.spellings.size === 0) this.#owners.delete(key);
    for (const look of skeletons(name)) {
      const lookalikes = this.#lookalikes.get(look);
      assert(lookalikes !== undefined, "a name that is taken has its look-alikes");
      count(lookalikes.all, owner, -1);
      if (!isAscii(name)) count(lookalikes.notAscii, owner, -1);
      if (lookalikes.all.size === 0) this.#lookalikes.delete(look);
    }
  }

  /** Who has this very name, in whatever case; not one that only looks like it. */
  ownerOf(name: string): Owner | undefined {
    return this.#owners.get(identity(name))?.owner;
  }

  #isFree(name: string, owner: Owner, looks: readonly string[]): boolean {
    const holder = this.#owners.get(identity(name));
    if (holder !== undefined && holder.owner !== owner) return false;
    return looks.every((look) => {
      const lookalikes = this.#lookalikes.get(look);
      return (
        lookalikes === undefined || isNobodyElses(isAscii(name) ? lookalikes.notAscii : lookalikes.all, owner)
      );
    });
  }
}

/**
 * Names that share one of these look alike, in some case: the prototype (UTS #39) of the name as it is written, and
 * that of its folded spelling, both without case. One alone would miss some: a capital of Cyrillic, Greek or Armenian
 * may look like one of Latin where the small letters do not (`ВОВ`), and the other way round.
 */
export function skeletons(name: string): readonly string[] {
  const asWritten = foldPrototype(name);
  const folded = foldPrototype(identity(name));
  return asWritten === folded ? [asWritten] : [asWritten, folded];
}

function foldPrototype(text: string): string {
  return toNfd(foldCase(foldNick(prototype(text))));
}

/** Whether nobody could have one of these names while somebody else has the other. */
export function doClash(one: string, other: string): boolean {
  if (isSameName(one, other)) return true;
  if (isAscii(one) && isAscii(other)) return false;
  const looks = skeletons(one);
  return skeletons(other).some((look) => looks.includes(look));
}

/** Whether these are spellings of one name. */
export function isSameName(one: string, other: string): boolean {
  return identity(one) === identity(other);
}

/** One spelling for what is the same name. */
function identity(name: string): string {
  return isAscii(name) ? foldNick(name) : foldNick(foldCompatibly(foldNick(name)));
}

function isNobodyElses<Owner>(counts: Counts<Owner>, owner: Owner): boolean {
  return counts.size === 0 || (counts.size === 1 && counts.has(owner));
}

function count<Key>(counts: Counts<Key>, key: Key, change: 1 | -1): void {
  const next = (counts.get(key) ?? 0) + change;
  assert(next >= 0, "nothing is given back that was not taken");
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}
