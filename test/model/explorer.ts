/*
 * Visits every state that a few actors on the model memory can reach, in every order of their loads and of the moments
 * at which their stores become visible.
 *
 * What an actor does follows from what it has loaded. So its states are kept in a tree, one branch for each value that
 * a load may give, and its program is run once for each node of the tree, however many states of the whole have it.
 * All memory follows from how many of its stores each actor's buffer has let out: a state of the whole is one number.
 *
 * Three kinds of step cannot be told apart by anybody else, and are taken at once rather than at every possible time:
 * a load of a word that nobody ever writes, a store to a word that nobody else ever loads, and a store of the value
 * that is there already. Which words these are is found while exploring; when it proves wrong we start anew.
 */
import {
  type Mutation,
  type ModelWords,
  type Pending,
  type Store,
  bellIndex,
  runUntilSuspended,
} from "./memory.ts";

/** One run of an actor's program, from before the exploration begins. */
export interface Run {
  readonly words: ModelWords;
  readonly program: () => void;
  /** How far it is, asked when the program is suspended. */
  readonly progress: () => number;
}

export interface Scenario {
  readonly actors: readonly string[];
  /** Everything anew, as it is when the exploration begins; the same at each call. */
  readonly build: (mutation: Mutation) => { readonly runs: readonly Run[]; readonly memory: ArrayBuffer };
  /** What must hold when nobody can do anything any more. Returns what is wrong. */
  readonly check: (progress: readonly number[]) => string | undefined;
}

export interface Outcome {
  readonly states: number;
  /** How often nobody could do anything any more. */
  readonly ends: number;
  /** What was wrong, and the steps that lead there. */
  readonly fault: { readonly reason: string; readonly trace: readonly string[] } | undefined;
}

interface Node {
  readonly history: readonly number[];
  readonly stores: readonly Store[];
  readonly pending: Pending;
  readonly progress: number;
  readonly children: Map<number, Node>;
  /** The actor's states with this node, by the number of stores that are visible. */
  readonly locals: (Local | undefined)[];
}

interface Local {
  readonly id: number;
  readonly node: Node;
  readonly visible: number;
}

interface Step {
  readonly actor: number;
  readonly store: boolean;
  readonly bells: number;
}

/** The parts of a state's number, in bits: actor 0, the others, and a bell for each. */
const LOCALS_MAX = [2 ** 19, 2 ** 15, 2 ** 15] as const;

class Restart extends Error {}

export class Explorer {
  readonly #scenario: Scenario;
  readonly #mutation: Mutation;
  readonly #initial: Int32Array;
  readonly #initialBytes: Uint8Array;
  readonly #roots: Node[];
  readonly #locals: Local[][];
  readonly #written = new Set<number>();
  readonly #readers = new Map<number, Set<number>>();
  readonly #owner = new Map<number, number>();

  constructor(scenario: Scenario, mutation: Mutation = {}) {
    this.#scenario = scenario;
    this.#mutation = mutation;
    const { memory } = scenario.build(mutation);
    this.#initial = new Int32Array(memory);
    this.#initialBytes = new Uint8Array(memory);
    this.#locals = scenario.actors.map(() => []);
    this.#roots = scenario.actors.map((_, actor) => this.#node(actor, []));
  }

  /** @throws where there are more than `statesMax` states: nothing is known then */
  explore(statesMax: number): Outcome {
    for (;;) {
      try {
        return this.#search(statesMax);
      } catch (error) {
        if (!(error instanceof Restart)) throw error;
      }
    }
  }

  #search(statesMax: number): Outcome {
    const actors = this.#scenario.actors.length;
    const visited = new Set<number>();
    const path: { locals: Local[]; bells: number; steps: Step[]; next: number }[] = [];
    let ends = 0;
    const fault = (reason: string): Outcome => ({
      states: visited.size,
      ends,
      fault: {
        reason,
        trace: path.flatMap((at) =>
          at.steps.slice(at.next - 1, at.next).map((s) => this.#describe(at.locals, s)),
        ),
      },
    });
    const enter = (locals: Local[], rung: number): string | undefined => {
      const bells = this.#settle(locals, rung);
      let key = bells;
      for (let actor = 0; actor < actors; actor += 1) key = key * LOCALS_MAX[actor]! + locals[actor]!.id;
      if (visited.has(key)) return undefined;
      visited.add(key);
      if (visited.size > statesMax) throw new Error(`more than ${statesMax} states`);
      const steps: Step[] = [];
      for (let actor = 0; actor < actors; actor += 1) {
        const { node, visible } = locals[actor]!;
        if (node.pending.kind === "failed")
          return `${this.#scenario.actors[actor]}: ${String(node.pending.error)}`;
        if (visible < node.stores.length) steps.push({ actor, store: true, bells });
        if (isFenced(locals[actor]!)) continue;
        const mayGoOn =
          node.pending.kind === "load" || (node.pending.kind === "sleep" && (bells & (1 << actor)) !== 0);
        if (mayGoOn) steps.push({ actor, store: false, bells });
      }
      path.push({ locals, bells, steps, next: 0 });
      if (steps.length > 0) return undefined;
      ends += 1;
      return this.#scenario.check(locals.map(({ node }) => node.progress));
    };

    let wrong = enter(
      this.#roots.map((node, actor) => this.#local(actor, node, 0)),
      0,
    );
    while (wrong === undefined && path.length > 0) {
      const top = path.at(-1)!;
      const step = top.steps[top.next];
      if (step === undefined) {
        path.pop();
        continue;
      }
      top.next += 1;
      const locals = [...top.locals];
      wrong = enter(locals, this.#take(locals, step));
    }
    return wrong === undefined ? { states: visited.size, ends, fault: undefined } : fault(wrong);
  }

  /** Takes a step. Returns the bells that are rung after it. */
  #take(locals: Local[], { actor, store, bells }: Step): number {
    const { node, visible } = locals[actor]!;
    if (store) {
      locals[actor] = this.#local(actor, node, visible + 1);
      const { index } = node.stores[visible]!;
      return index < 0 ? bells | (1 << bellActor(index)) : bells;
    }
    const { pending } = node;
    const value = pending.kind === "load" ? this.#value(locals, pending.index) : 0;
    locals[actor] = this.#local(actor, this.#child(actor, node, value), visible);
    return pending.kind === "sleep" ? bells & ~(1 << actor) : bells;
  }

  /** Takes all steps that nobody else could notice. */
  #settle(locals: Local[], bells: number): number {
    for (let actor = 0; actor < locals.length; actor += 1) {
      for (;;) {
        const { node, visible } = locals[actor]!;
        const store = node.stores[visible];
        if (store !== undefined && this.#isUnnoticed(locals, actor, store, bells)) {
          locals[actor] = this.#local(actor, node, visible + 1);
        } else if (
          !isFenced(locals[actor]!) &&
          node.pending.kind === "load" &&
          !this.#written.has(node.pending.index)
        ) {
          this.#markRead(actor, node.pending.index);
          locals[actor] = this.#local(
            actor,
            this.#child(actor, node, this.#initialValue(node.pending.index)),
            visible,
          );
        } else {
          if (!isFenced(locals[actor]!) && node.pending.kind === "load")
            this.#markRead(actor, node.pending.index);
          break;
        }
      }
    }
    return bells;
  }

  #isUnnoticed(locals: readonly Local[], actor: number, { index, value }: Store, bells: number): boolean {
    if (index < 0) return (bells & (1 << bellActor(index))) !== 0;
    const readers = this.#readers.get(index);
    if (readers === undefined || (readers.size === 1 && readers.has(actor))) return true;
    return this.#value(locals, index) === value;
  }

  #markRead(actor: number, index: number): void {
    const readers = this.#readers.get(index) ?? new Set();
    if (readers.has(actor)) return;
    this.#readers.set(index, readers.add(actor));
    throw new Restart();
  }

  #value(locals: readonly Local[], index: number): number {
    const owner = this.#owner.get(index);
    if (owner !== undefined) {
      const { node, visible } = locals[owner]!;
      for (let at = visible - 1; at >= 0; at -= 1) {
        if (node.stores[at]!.index === index) return node.stores[at]!.value;
      }
    }
    return this.#initialValue(index);
  }

  #initialValue(index: number): number {
    const words = this.#initial.length;
    return index < words ? this.#initial[index]! : this.#initialBytes[index - words]!;
  }

  #child(actor: number, node: Node, value: number): Node {
    let child = node.children.get(value);
    if (child === undefined) {
      child = this.#node(actor, [...node.history, value]);
      node.children.set(value, child);
    }
    return child;
  }

  /** Runs an actor's program anew, with what it has loaded so far. */
  #node(actor: number, history: readonly number[]): Node {
    const { words, program, progress } = this.#scenario.build(this.#mutation).runs[actor]!;
    words.replay(history);
    const pending = runUntilSuspended(program);
    let isNews = false;
    for (const { index } of words.stores) {
      if (index < 0 || this.#written.has(index)) continue;
      this.#written.add(index);
      this.#owner.set(index, actor);
      isNews = true;
    }
    const node = {
      history,
      stores: words.stores,
      pending,
      progress: progress(),
      children: new Map(),
      locals: [],
    };
    // Before the search there is nothing to start anew.
    if (isNews && history.length > 0) throw new Restart();
    return node;
  }

  #local(actor: number, node: Node, visible: number): Local {
    const known = node.locals[visible];
    if (known !== undefined) return known;
    const all = this.#locals[actor]!;
    const local = { id: all.length, node, visible };
    if (local.id >= LOCALS_MAX[actor]!)
      throw new Error(`${this.#scenario.actors[actor]} has too many states`);
    all.push(local);
    node.locals[visible] = local;
    return local;
  }

  #describe(locals: readonly Local[], { actor, store }: Step): string {
    const { node, visible } = locals[actor]!;
    const name = this.#scenario.actors[actor]!;
    if (store) {
      const { index, value } = node.stores[visible]!;
      return index < 0
        ? `${name} rings ${this.#scenario.actors[bellActor(index)]!}`
        : `${name} stores ${index} := ${value}`;
    }
    const { pending } = node;
    return pending.kind === "load"
      ? `${name} loads ${pending.index} = ${this.#value(locals, pending.index)}`
      : `${name} wakes up`;
  }
}

/** Whether the program waits for its buffer: a store with a fence is not visible yet. */
function isFenced({ node, visible }: Local): boolean {
  for (let at = visible; at < node.stores.length; at += 1) if (node.stores[at]!.fence) return true;
  return false;
}

function bellActor(index: number): number {
  return bellIndex(index);
}
