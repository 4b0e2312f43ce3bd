/*
 * Makes the tables of src/chat/unicode, from which every process reads what a character is: each Node brings another
 * version of Unicode, and the chat must come to the same answer in all of them.
 *
 *   node scripts/unicode-tables.ts          writes them
 *   node scripts/unicode-tables.ts check    compares them with what would be written, and fails when they differ
 *
 * The source is the ICU inside of the Node that runs this: `normalize()`, `\p{…}` and the case mappings, and for what
 * JavaScript does not tell, the compiled confusables.txt of UTS #39, which stands in the program's own file. The
 * combining classes are found from how marks change places in a decomposition: their order, not their numbers.
 */
import { readFileSync, writeFileSync } from "node:fs";

/** Those of Unicode 17; a code point of a script that is missing here stops the generator. */
const SCRIPTS = (
  "Adlm Aghb Ahom Arab Armi Armn Avst Bali Bamu Bass Batk Beng Berf Bhks Bopo Brah Brai Bugi Buhd Cakm Cans Cari " +
  "Cham Cher Chrs Copt Cpmn Cprt Cyrl Deva Diak Dogr Dsrt Dupl Egyp Elba Elym Ethi Gara Geor Glag Gong Gonm Goth " +
  "Gran Grek Gujr Gukh Guru Hang Hani Hano Hatr Hebr Hira Hluw Hmng Hmnp Hung Ital Java Kali Kana Kawi Khar Khmr " +
  "Khoj Kits Knda Krai Kthi Lana Laoo Latn Lepc Limb Lina Linb Lisu Lyci Lydi Mahj Maka Mand Mani Marc Medf Mend " +
  "Merc Mero Mlym Modi Mong Mroo Mtei Mult Mymr Nagm Nand Narb Nbat Newa Nkoo Nshu Ogam Olck Onao Orkh Orya Osge " +
  "Osma Ougr Palm Pauc Perm Phag Phli Phlp Phnx Plrd Prti Rjng Rohg Runr Samr Sarb Saur Sgnw Shaw Shrd Sidd Sidt " +
  "Sind Sinh Sogd Sogo Sora Soyo Sund Sunu Sylo Syrc Tagb Takr Tale Talu Taml Tang Tavt Tayo Telu Tfng Tglg Thaa " +
  "Thai Tibt Tirh Tnsa Todr Tols Toto Tutg Ugar Vaii Vith Wara Wcho Xpeo Xsux Yezi Yiii Zanb Zinh Zyyy"
).split(" ");

/**
 * What a code point is to a name; the first that fits. `-`: in no name, for it is not assigned, private, or not to be
 * seen (tests of joiners and of the selector behind a picture come before this one).
 */
const KINDS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ["-", /\p{Cc}|\p{Cf}|\p{Cs}|\p{Co}|\p{Cn}|\p{Zl}|\p{Zp}|\p{Default_Ignorable_Code_Point}/u],
  // Blank to the eye, though not to Unicode: braille, a note without a head, fillers of hieroglyphs and of Khitan.
  ["-", /[\u2800\u{1d159}\u{13441}\u{13442}\u{16fe4}]/u],
  // What stands for something that was lost.
  ["-", /[\ufffc\ufffd]/u],
  ["P", /\p{Extended_Pictographic}/u],
  ["L", /\p{L}/u],
  ["N", /\p{N}/u],
  ["M", /\p{Mn}|\p{Me}/u],
  ["C", /\p{Mc}/u],
  ["B", /\p{Zs}/u],
  ["S", /\p{P}|\p{S}/u],
];

const CODE_POINTS = 0x110000;
const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;
const FIRST_HANGUL_SYLLABLE = 0xac00;
const LAST_HANGUL_SYLLABLE = 0xd7a3;

/** Five bits and one that says whether more follow: 64 characters that need no escape anywhere. */
const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
const COLUMNS = 118;

/** The files' texts by their paths. */
export function makeTables(): ReadonlyMap<string, string> {
  const { classes, runs } = makeProperties();
  const canonical = makeCanonical();
  return new Map([
    [
      "src/chat/unicode/propertyTables.ts",
      fileText([
        ["PROPERTY_CLASSES", "What a code point is, and its scripts (Script_Extensions).", classes],
        [
          "PROPERTY_RUNS",
          "How many code points, from 0 on, are of which of the classes above.",
          encode(runs),
        ],
        [
          "COMBINING_RUNS",
          "How many code points to leave out, how many follow, and the rank of their combining class.",
          encode(makeCombiningRuns()),
        ],
      ]),
    ],
    [
      "src/chat/unicode/mappingTables.ts",
      fileText([
        ["CANONICAL_PAIRS", "What composes again, and of which two.", encodeMapping(canonical.pairs)],
        ["CANONICAL_OTHERS", "What decomposes and does not compose again.", encodeMapping(canonical.others)],
        [
          "COMPATIBILITY",
          "Compatibility decompositions, where they differ.",
          encodeMapping(makeCompatibility()),
        ],
        ["CASE_FOLDING", "Full case folding: C and F of CaseFolding.txt.", encodeMapping(makeCaseFolding())],
      ]),
    ],
    [
      "src/chat/unicode/confusableTable.ts",
      fileText([["CONFUSABLES", "The prototypes of UTS #39.", encodeMapping(readConfusables())]]),
    ],
  ]);
}

function fileText(tables: readonly (readonly [name: string, comment: string, data: string])[]): string {
  const head = `/*
 * Made by scripts/unicode-tables.ts from Unicode ${process.versions.unicode}: do not edit.
 * The license of the data is that in src/chat/unicode/LICENSE.
 */`;
  const body = tables.map(([name, comment, data]) => {
    const lines = data.includes(" ")
      ? wrapWords(data)
      : (data.match(new RegExp(`.{1,${COLUMNS}}`, "g")) ?? []);
    return `/** ${comment} */\nexport const ${name} = \`\n${lines.join("\n")}\n\`;`;
  });
  return `${[head, ...body].join("\n\n")}\n`;
}

function wrapWords(text: string): string[] {
  return text.match(new RegExp(`\\S.{0,${COLUMNS - 1}}(?= |$)`, "g")) ?? [];
}

function encode(numbers: Iterable<number>): string {
  let text = "";
  for (let rest of numbers) {
    while (rest >= 32) {
      text += DIGITS[(rest % 32) + 32]!;
      rest = Math.floor(rest / 32);
    }
    text += DIGITS[rest]!;
  }
  return text;
}

/**
 * For each code point in order: how far it is from the one before, how many it becomes, and how far each of those is
 * from what stood at the same place before.
 */
function encodeMapping(mapping: ReadonlyMap<number, readonly number[]>): string {
  const numbers: number[] = [];
  const before: number[] = [];
  let keyBefore = 0;
  for (const [key, values] of [...mapping].toSorted(([a], [b]) => a - b)) {
    numbers.push(key - keyBefore, values.length);
    keyBefore = key;
    for (const [index, value] of values.entries()) {
      const difference = value - (before[index] ?? 0);
      numbers.push(difference < 0 ? -2 * difference - 1 : 2 * difference);
      before[index] = value;
    }
  }
  return encode(numbers);
}

function* codePoints(): Iterable<number> {
  for (let codePoint = 0; codePoint < CODE_POINTS; codePoint += 1)
    if (codePoint < FIRST_SURROGATE || codePoint > LAST_SURROGATE) yield codePoint;
}

function codePointsOf(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0)!);
}

function makeProperties(): { classes: string; runs: number[] } {
  const everything = Array.from(codePoints(), (codePoint) => String.fromCodePoint(codePoint)).join("");
  const scripts = new Map<number, string>();
  for (const script of SCRIPTS) {
    for (const { 0: run } of everything.matchAll(new RegExp(`\\p{Script_Extensions=${script}}+`, "gu")))
      for (const codePoint of codePointsOf(run))
        scripts.set(
          codePoint,
          `${scripts.get(codePoint) ?? ""}${scripts.has(codePoint) ? "," : ""}${script}`,
        );
  }
  const numbers = new Map<string, number>();
  const runs: number[] = [];
  let length = 0;
  let current: string | undefined;
  const finish = (): void => {
    if (current === undefined) return;
    if (!numbers.has(current)) numbers.set(current, numbers.size);
    runs.push(length, numbers.get(current)!);
  };
  for (let codePoint = 0; codePoint < CODE_POINTS; codePoint += 1) {
    const character = String.fromCodePoint(codePoint);
    const kind = KINDS.find(([, pattern]) => pattern.test(character))![0];
    const script = scripts.get(codePoint);
    if (kind !== "-" && script === undefined)
      throw new Error(`U+${codePoint.toString(16)} is of a script that this does not know`);
    const described = kind === "-" ? kind : `${kind}:${script}`;
    if (described !== current) {
      finish();
      current = described;
      length = 0;
    }
    length += 1;
  }
  finish();
  return { classes: [...numbers.keys()].join(" "), runs };
}

/**
 * A decomposition puts marks behind a letter in the order of their classes, and leaves those of one class as they
 * were: so marks can be sorted by trying. Class 0 never changes places.
 */
function makeCombiningRuns(): number[] {
  const changesPlaces = (first: string, second: string): boolean =>
    `a${first}${second}`.normalize("NFD") === `a${second}${first}`;
  const ranks: string[][] = [];
  for (const codePoint of codePoints()) {
    const mark = String.fromCodePoint(codePoint);
    if (!/\p{M}/u.test(mark) || mark.normalize("NFD") !== mark) continue;
    // Of the highest class and of the lowest.
    if (!changesPlaces("\u0345", mark) && !changesPlaces(mark, "\u0334")) continue;
    const found = ranks.findIndex(([peer]) => !changesPlaces(mark, peer!));
    const rank = found === -1 ? ranks.length : found;
    const peers = ranks[rank];
    if (peers !== undefined && !changesPlaces(peers[0]!, mark)) peers.push(mark);
    else ranks.splice(rank, 0, [mark]);
  }
  const rankOf = new Map(
    ranks.flatMap((marks, index) => marks.map((mark) => [mark.codePointAt(0)!, index + 1])),
  );
  const runs: number[] = [];
  let position = 0;
  const marks = [...rankOf.keys()].toSorted((a, b) => a - b);
  for (let index = 0; index < marks.length;) {
    const start = marks[index]!;
    const rank = rankOf.get(start)!;
    let length = 0;
    while (rankOf.get(start + length) === rank) length += 1;
    runs.push(start - position, length, rank);
    position = start + length;
    index += length;
  }
  return runs;
}

/** One step for each code point; a sequence of more than two is taken apart from its end. Hangul is arithmetic. */
function makeCanonical(): { pairs: Map<number, number[]>; others: Map<number, number[]> } {
  const pairs = new Map<number, number[]>();
  const others = new Map<number, number[]>();
  for (const codePoint of codePoints()) {
    if (codePoint >= FIRST_HANGUL_SYLLABLE && codePoint <= LAST_HANGUL_SYLLABLE) continue;
    const character = String.fromCodePoint(codePoint);
    const decomposed = codePointsOf(character.normalize("NFD"));
    if (decomposed.length === 1 && decomposed[0] === codePoint) continue;
    const first = codePointsOf(String.fromCodePoint(...decomposed.slice(0, -1)).normalize("NFC"));
    if (character.normalize("NFC") === character && first.length === 1)
      pairs.set(codePoint, [first[0]!, decomposed.at(-1)!]);
    else others.set(codePoint, decomposed);
  }
  return { pairs, others };
}

function makeCompatibility(): Map<number, number[]> {
  const mapping = new Map<number, number[]>();
  for (const codePoint of codePoints()) {
    const character = String.fromCodePoint(codePoint);
    const decomposed = character.normalize("NFKD");
    if (decomposed !== character.normalize("NFD")) mapping.set(codePoint, codePointsOf(decomposed));
  }
  return mapping;
}

/** The lower case of the upper case, but for what CaseFolding.txt itself excepts. */
function makeCaseFolding(): Map<number, number[]> {
  const mapping = new Map<number, number[]>();
  for (const codePoint of codePoints()) {
    const character = String.fromCodePoint(codePoint);
    let folded = character.toLowerCase().toUpperCase().toLowerCase();
    // Cherokee had capitals first, so those are what it folds to; an i without a dot is not an i.
    if (/\p{Script=Cherokee}/u.test(character)) folded = character.toUpperCase();
    if (character === "\u0131") folded = character;
    if (folded !== character) mapping.set(codePoint, codePointsOf(folded));
  }
  return mapping;
}

/**
 * ICU's compiled confusables.txt ("Cfu ", version 2 of the format, as i18n/uspoof_impl.h describes it): a header of
 * 32-bit words, then code points in order with the length of what they become in the upper eight bits, then for each
 * the one unit that it becomes, or where in the string table its units begin.
 */
function readConfusables(): Map<number, number[]> {
  const file = readFileSync(process.execPath);
  const dataFormat = file.indexOf("Cfu \x02");
  const dataHeader = dataFormat - 12;
  if (dataFormat === -1 || file.readUInt16LE(dataHeader + 2) !== 0x27da)
    throw new Error(`${process.execPath} was built without ICU's confusables`);
  const start = dataHeader + file.readUInt16LE(dataHeader);
  if (file.readUInt32LE(start) !== 0x3845fdef) throw new Error("ICU's confusables have another format");
  const word = (index: number): number => file.readUInt32LE(start + index * 4);
  const [keys, keyCount, values, valueCount, strings] = [word(3), word(4), word(5), word(6), word(7)];
  if (keyCount !== valueCount) throw new Error("ICU's confusables are broken");
  const mapping = new Map<number, number[]>();
  for (let index = 0; index < keyCount; index += 1) {
    const key = file.readUInt32LE(start + keys + index * 4);
    const length = Math.floor(key / 0x1000000) + 1;
    const at = start + values + index * 2;
    const from = length === 1 ? at : start + strings + file.readUInt16LE(at) * 2;
    const units = file.toString("utf16le", from, from + length * 2);
    // confusables.txt has a tab in what U+1F16D becomes, by mistake.
    mapping.set(key % 0x1000000, codePointsOf(units.replaceAll("\t", "")));
  }
  return mapping;
}

if (import.meta.main) {
  for (const [path, text] of makeTables()) {
    if (process.argv[2] !== "check") writeFileSync(path, text);
    else if (readFileSync(path, "utf8") !== text) throw new Error(`${path} is not what would be made now`);
  }
}
