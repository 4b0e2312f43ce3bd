/*
 * A test that looks after the code itself: what the compiler, the linter and the formatter do not know.
 *
 * Each rule is a row of the table: which files, what is wrong with them, and why it matters. A rule sees one file.
 */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

interface Rule {
  readonly name: string;
  readonly files: RegExp;
  /** What is wrong: a line number where there is one, and what to say of it. */
  readonly check: (file: SourceFile) => Iterable<Problem>;
}

interface SourceFile {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
}

interface Problem {
  readonly line?: number;
  readonly what: string;
}

const COLUMNS_MAX = 120;
const LINES_MAX = 600;

/** Layers without a clock or chance of their own: given the same records, they do the same in every process. */
const PURE = /^src\/(base|chat|log|record|history|accounts|protocol|server)\/.*\.ts$/;
const TEST = /\.test\.ts$/;

const RULES: readonly Rule[] = [
  {
    name: "lines fit on a screen",
    files: /\.ts$/,
    check: ({ lines }) =>
      where(lines, (line) => line.length > COLUMNS_MAX, `longer than ${COLUMNS_MAX} columns`),
  },
  {
    name: "files fit in a head",
    files: /^src\/.*\.ts$/,
    check: ({ lines }) =>
      lines.length > LINES_MAX + 1 ? [{ what: `${lines.length - 1} lines; at most ${LINES_MAX}` }] : [],
  },
  {
    name: "a layer that others import has one front door",
    files: /^src\/(?!cli\/).*tsconfig\.json$/,
    check: ({ path }) =>
      existsSync(path.replace("tsconfig.json", "index.ts")) ? [] : [{ what: "no index.ts beside it" }],
  },
  {
    name: "another layer is entered by its front door",
    files: /^src\/.*\.ts$/,
    check: importsPastTheDoor,
  },
  {
    name: "pure layers have no clock and no chance",
    files: PURE,
    check: ({ path, lines }) =>
      TEST.test(path)
        ? []
        : where(lines, /\bDate\.now\(|\bnew Date\(|\bMath\.random\(/, "takes it from nowhere"),
  },
  {
    name: "a file begins with code or says what it is",
    files: /^src\/.*\.ts$/,
    check: ({ lines }) =>
      /^(\s*$|\/\/)/.test(lines[0] ?? "") ? [{ line: 1, what: "neither code nor a /* comment" }] : [],
  },
  {
    name: "every test runs",
    files: TEST,
    check: ({ lines }) =>
      where(
        lines,
        /\b(test|it|describe|suite|t)\.(only|skip|todo)\(|[{,]\s*(only|skip|todo):/,
        "left out of the run",
      ),
  },
  {
    name: "no path of the machine it was written on",
    files: /./,
    check: ({ lines }) =>
      where(lines, /(^|[\s"'`(=])\/(home|root|Users|work)\/\w/, "this path exists on one machine"),
  },
  {
    name: "no package registry is named",
    files: /^(package(-lock)?\.json|\.npmrc|\.ci\/.*|.*\.(md|ts|js))$/,
    check: ({ lines }) =>
      where(
        lines,
        /"resolved":\s*"http|^registry\s*=|https?:\/\/[\w.-]*(registry|artifactory|nexus)\b/i,
        "names a host",
      ),
  },
  {
    name: "what a page names exists",
    files: /\.md$/,
    check: ({ lines }) => pathsThatDoNotExist(lines),
  },
  {
    name: "every dependency has a reason",
    files: /^package\.json$/,
    check: dependenciesWithoutReason,
  },
];

function where(
  lines: readonly string[],
  wrong: RegExp | ((line: string) => boolean),
  what: string,
): Problem[] {
  const isWrong = typeof wrong === "function" ? wrong : (line: string): boolean => wrong.test(line);
  return lines.flatMap((line, index) => (isWrong(line) ? [{ line: index + 1, what }] : []));
}

/** `src/protocol/plain/lines.ts` is of the layer `protocol/plain`, `src/log/words.ts` of `log`. */
function layerOf(path: string): string {
  return /^src\/(protocol\/[^/]+|[^/]+)\//.exec(path)?.[1] ?? "";
}

function* importsPastTheDoor({ path, lines }: SourceFile): Iterable<Problem> {
  for (const [index, line] of lines.entries()) {
    const specifier = /\b(?:from|import\()\s*"(\.[^"]+)"/.exec(line)?.[1];
    if (specifier === undefined) continue;
    const target = join(path, "..", specifier);
    if (TEST.test(path) && target.startsWith("test/support/")) continue;
    if (layerOf(target) === layerOf(path) || target === `src/${layerOf(target)}/index.ts`) continue;
    yield { line: index + 1, what: `${target} is not a front door` };
  }
}

function* pathsThatDoNotExist(lines: readonly string[]): Iterable<Problem> {
  const named = /(?<![\w./-])(?:src|test|bench|scripts|docs|examples|bin|\.ci)\/[\w./-]*\w/g;
  for (const [index, line] of lines.entries()) {
    for (const [path] of line.matchAll(named)) {
      if (!existsSync(path)) yield { line: index + 1, what: `there is no ${path}` };
    }
  }
}

function* dependenciesWithoutReason({ text }: SourceFile): Iterable<Problem> {
  const reasons = readFileSync("docs/dependencies.md", "utf8");
  const manifest = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
  for (const group of ["dependencies", "devDependencies", "optionalDependencies"]) {
    for (const name of Object.keys(manifest[group] ?? {})) {
      if (!reasons.includes(`| \`${name}\` |`))
        yield { what: `docs/dependencies.md does not say why ${name} is here` };
    }
  }
}

const NOT_OURS = new Set(["node_modules", "dist", "build", "chorus-data", ".git"]);

function* filesIn(folder: string): Iterable<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (NOT_OURS.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else if (entry.isFile()) yield path;
  }
}

let problems = 0;
let files = 0;
for (const path of filesIn(".")) {
  const text = readFileSync(path, "utf8");
  const file: SourceFile = { path, text, lines: text.split("\n") };
  files += 1;
  for (const rule of RULES.filter((each) => each.files.test(path))) {
    for (const { line, what } of rule.check(file)) {
      problems += 1;
      console.error(`${path}${line === undefined ? "" : `:${line}`}: ${rule.name}: ${what}`);
    }
  }
}
console.log(`tidy: ${files} files, ${RULES.length} rules, ${problems} problems`);
if (problems > 0) process.exitCode = 1;
