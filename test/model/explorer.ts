/*
 * Visits every state that a few actors on the model memory can reach, in every order of their loads and of the moments
 * at which their stores become visible.
 *
 * What an actor does follows from what it has loaded. So its states are kept in a tree, one branch for each value that
 * a load may give, and its program is run once for each node of the tree, however many states of the whole have it.
 * All memory follows from how many of its stores each actor's buffer has let out: a state of the whole is one number.
 *
 * Where there are too many states, the search is bounded by preemptions: how often somebody who could go on has to wait
 * for another. Actors and store buffers are all somebodies here. Changing to another when the one before has to wait
 * costs nothing, and it has to at every fence and every sleep; so few preemptions go far. States are visited in the
 * order of their cost: what is found is found with the fewest preemptions that lead there.
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
  /** Whether that were all that there are, and no bound kept others away. */
  readonly isAll: boolean;
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

/** A state of the whole, and how it came about. */
interface State {
  readonly locals: readonly Local[];
  readonly bells: number;
  /** Who took the last step: an actor, or its store buffer. */
  readonly last: Step | undefined;
  readonly parent: State | undefined;
}

interface Step {
  readonly actor: number;
  /** The store buffer's step rather than the actor's own. */
  readonly store: boolean;
}

/** The parts of a state's number: each actor's own state. Bells and who was last are 6 bits more, 52 in all. */
const LOCALS_MAX = [2 ** 18, 2 ** 14, 2 ** 14] as const;
const LAST_MAX = 8;

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

  /**
   * @param preemptionsMax how often somebody who could go on may have to wait
   * @throws where there are more than `statesMax` states: nothing is known then
   */
  explore(statesMax: number, preemptionsMax = Number.POSITIVE_INFINITY): Outcome {
    for (;;) {
      try {
        return this.#search(statesMax, preemptionsMax);
      } catch (error) {
        if (!(error instanceof Restart)) throw error;
      }
    }
  }

  #search(statesMax: number, preemptionsMax: number): Outcome {
    const visited = new Set<number>();
    const roots = this.#roots.map((node, actor) => this.#local(actor, node, 0));
    this.#settle(roots, 0);
    let ends = 0;
    let now: State[] = [{ locals: roots, bells: 0, last: undefined, parent: undefined }];
    for (let preemptions = 0; now.length > 0; preemptions += 1) {
      if (preemptions > preemptionsMax) return { states: visited.size, isAll: false, ends, fault: undefined };
      const later: State[] = [];
      for (let state = now.pop(); state !== undefined; state = now.pop()) {
        const key = this.#key(state);
        if (visited.has(key)) continue;
        visited.add(key);
        if (visited.size > statesMax) throw new Error(`more than ${statesMax} states`);
        const steps = this.#steps(state);
        if (steps.length === 0) ends += 1;
        const reason = this.#fault(state, steps.length === 0);
        if (reason !== undefined) {
          const fault = { reason, trace: this.#trace(state) };
          return { states: visited.size, isAll: false, ends, fault };
        }
        const { last } = state;
        const mayGoOn = last !== undefined && steps.some((step) => isSame(step, last));
        for (const step of steps)
          (mayGoOn && !isSame(step, last) ? later : now).push(this.#take(state, step));
      }
      now = later;
    }
    return { states: visited.size, isAll: true, ends, fault: undefined };
  }

  #key({ locals, bells, last }: State): number {
    let key = bells;
    for (let actor = 0; actor < locals.length; actor += 1) key = key * LOCALS_MAX[actor]! + locals[actor]!.id;
    return key * LAST_MAX + (last === undefined ? LAST_MAX - 1 : last.actor * 2 + (last.store ? 1 : 0));
  }

  #steps({ locals, bells }: State): Step[] {
    const steps: Step[] = [];
    for (let actor = 0; actor < locals.length; actor += 1) {
      const local = locals[actor]!;
      const { pending, stores } = local.node;
      if (local.visible < stores.length) steps.push({ actor, store: true });
      const isRung = (bells & (1 << actor)) !== 0;
      const mayGoOn = pending.kind === "load" || (pending.kind === "sleep" && isRung);
      if (mayGoOn && !isFenced(local)) steps.push({ actor, store: false });
    }
    return steps;
  }

  #fault({ locals }: State, isEnd: boolean): string | undefined {
    for (const [actor, { node }] of locals.entries()) {
      if (node.pending.kind === "failed")
        return `${this.#scenario.actors[actor]}: ${String(node.pending.error)}`;
    }
    return isEnd ? this.#scenario.check(locals.map(({ node }) => node.progress)) : undefined;
  }

  #take(state: State, step: Step): State {
    const { actor, store } = step;
    const locals = [...state.locals];
    let { bells } = state;
    const { node, visible } = locals[actor]!;
    const { pending } = node;
    if (store) {
      locals[actor] = this.#local(actor, node, visible + 1);
      const { index } = node.stores[visible]!;
      if (index < 0) bells |= 1 << bellActor(index);
    } else {
      const value = pending.kind === "load" ? this.#value(locals, pending.index) : 0;
      if (pending.kind === "sleep") bells &= ~(1 << actor);
      locals[actor] = this.#local(actor, this.#child(actor, node, value), visible);
    }
    this.#settle(locals, bells);
    return { locals, bells, last: step, parent: state };
  }

  /** Takes all steps that nobody else could notice. */
  #settle(locals: Local[], bells: number): void {
    for (let actor = 0; actor < locals.length; actor += 1) {
      while (this.#settleOnce(locals, actor, bells));
    }
  }

  #settleOnce(locals: Local[], actor: number, bells: number): boolean {
    const local = locals[actor]!;
    const { node, visible } = local;
    const store = node.stores[visible];
    if (store !== undefined && this.#isUnnoticed(locals, actor, store, bells)) {
      locals[actor] = this.#local(actor, node, visible + 1);
      return true;
    }
    if (node.pending.kind !== "load" || isFenced(local)) return false;
    const { index } = node.pending;
    this.#markRead(actor, index);
    if (this.#written.has(index)) return false;
    locals[actor] = this.#local(actor, this.#child(actor, node, this.#initialValue(index)), visible);
    return true;
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

  #trace(end: State): string[] {
    const trace: string[] = [];
    for (
      let { last, parent }: State = end;
      last !== undefined && parent !== undefined;
      { last, parent } = parent
    ) {
      trace.unshift(this.#describe(parent, last));
    }
    return trace;
  }

  #describe({ locals }: State, { actor, store }: Step): string {
    const { node, visible } = locals[actor]!;
    const { actors } = this.#scenario;
    const name = actors[actor]!;
    if (store) {
      const { index, value } = node.stores[visible]!;
      return index < 0 ? `${name} rings ${actors[bellActor(index)]!}` : `${name} stores ${index} := ${value}`;
    }
    const { pending } = node;
    if (pending.kind !== "load") return `${name} wakes up`;
    return `${name} loads ${pending.index} = ${this.#value(locals, pending.index)}`;
  }
}

function isSame(one: Step, other: Step): boolean {
  return one.actor === other.actor && one.store === other.store;
}

/** Whether the program waits for its buffer: a store with a fence is not visible yet. */
function isFenced({ node, visible }: Local): boolean {
  for (let at = visible; at < node.stores.length; at += 1) if (node.stores[at]!.fence) return true;
  return false;
}

function bellActor(index: number): number {
  return bellIndex(index);
}
