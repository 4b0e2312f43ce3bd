/*
 * Visits every state that a few actors on the model memory can reach, in every order of their loads and of the moments
 * at which their stores become visible.
 *
 * What an actor does follows from what it has loaded. So its programs are kept in a tree, one branch for each value
 * that a load may give, and its code is run once for each node of the tree, however many states of the whole have it.
 * All memory follows from how many of its stores each actor's buffer has let out. So an actor's state is a node and
 * that number, and a state of the whole is a few integers.
 *
 * Where there are too many states, the search is bounded. Actors take turns: whoever is at it goes on until it sleeps,
 * its stores become visible when it has to wait for them, and then the next one follows. A delay is any other choice:
 * one for each actor that is passed over though it could go on, one for a store that becomes visible earlier. All
 * schedules within the bound are visited, those with fewer delays first, so that a fault is found with the fewest.
 * A lost wake-up takes one to three.
 *
 * Three kinds of step cannot be told apart by anybody else, and are taken at once rather than at every possible time:
 * a load of a word that nobody ever writes, a store to a word that nobody else ever loads, and a store of the value
 * that is there already. Which words these are is found while exploring; when it proves wrong we start anew.
 *
 * One actor may be mortal: it may die at any moment, with the stores that are not visible yet. Then actor 0 is told, by
 * its bell and by a word. A death is one delay.
 */
import assert from "node:assert/strict";
import {
  type ModelWords,
  type Mutation,
  type Pending,
  type Store,
  bellIndex,
  runUntilSuspended,
} from "./memory.ts";
import { States } from "./states.ts";

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
  /** What must hold when nobody can do anything any more. Returns what is wrong. `load` gives what a word is then. */
  readonly check: (progress: readonly number[], load: (index: number) => number) => string | undefined;
  /** Who may die, and the word that is 1 for the others from then on. */
  readonly mortal?: { readonly actor: number; readonly word: number };
  /** What people call a word. */
  readonly nameOf: (index: number) => string;
}

export interface Fault {
  readonly reason: string;
  readonly delays: number;
  readonly trace: readonly string[];
}

export interface Outcome {
  readonly states: number;
  /** Whether that were all that there are, and no bound kept others away. */
  readonly isAll: boolean;
  /** How often nobody could do anything any more. */
  readonly ends: number;
  /** What was wrong, and the steps that lead there. */
  readonly fault: Fault | undefined;
}

/** An actor's program, after certain loads. */
interface Node {
  readonly actor: number;
  readonly parent: Node | undefined;
  /** What the load gave that led here from the parent. */
  readonly given: number;
  /** The stores since the parent, and how many there were before them. */
  readonly stores: readonly Store[];
  readonly storesBefore: number;
  readonly pending: Pending;
  readonly progress: number;
  children: Map<number, Node> | undefined;
}

/** An actor's program, and how many of its stores are visible. */
interface Local {
  readonly id: number;
  readonly node: Node;
  readonly visible: number;
  readonly isDead: boolean;
  /** The store that becomes visible next. */
  readonly next: Store | undefined;
  /** Whether the program waits for its buffer: a store with a fence is not visible yet. */
  readonly isFenced: boolean;
  /** What others see of this actor's words, as far as it was asked. */
  values: Map<number, number> | undefined;
  /** Where it is after its next load, by what that gives, or after waking up. */
  after: Map<number, Local> | undefined;
  afterStore: Local | undefined;
  afterDeath: Local | undefined;
}

/** A step is twice its actor's number, and one more where it is the store buffer's; or the mortal's death. */
const DEATH = 6;
const ACTORS_MAX = DEATH / 2;
/** A state's flags are the actor whose turn it is, and above it bells, one bit for each actor. */
const TURN_BITS = 2;
const TURN_MASK = 3;

class Restart extends Error {}

export class Explorer {
  readonly #scenario: Scenario;
  readonly #mutation: Mutation;
  readonly #initial: Int32Array;
  readonly #initialBytes: Uint8Array;
  readonly #roots: readonly Node[];
  readonly #owner = new Map<number, number>();
  readonly #read = new Set<number>();
  #locals: Local[] = [];
  #localsOf = new Map<Node, Local[]>();

  constructor(scenario: Scenario, mutation: Mutation = {}) {
    assert(scenario.actors.length <= ACTORS_MAX, "too many actors");
    this.#scenario = scenario;
    this.#mutation = mutation;
    const memory = scenario.build(mutation).memory.slice(0);
    this.#initial = new Int32Array(memory);
    this.#initialBytes = new Uint8Array(memory);
    this.#roots = scenario.actors.map((_, actor) => this.#run(actor, undefined, 0));
    if (scenario.mortal !== undefined) this.#owner.set(scenario.mortal.word, scenario.mortal.actor);
  }

  /**
   * @param delaysMax how far from taking turns schedules may be; infinity: all schedules
   * @throws where there are more than `statesMax` states: nothing is known then
   */
  explore(statesMax: number, delaysMax: number): Outcome {
    for (;;) {
      try {
        return this.#search(new States(this.#roots.length, statesMax), delaysMax);
      } catch (error) {
        if (!(error instanceof Restart)) throw error;
      }
    }
  }

  #search(states: States, delaysMax: number): Outcome {
    this.#locals = [];
    this.#localsOf = new Map();
    const ids = this.#roots.map((root) => this.#settled(root, 0).id);
    states.add(ids, 0, { parent: -1, step: 0, cost: 0 });
    let isAll = true;
    let ends = 0;
    for (let state = states.takeCheapest(); state !== undefined; state = states.takeCheapest()) {
      const locals = this.#localsIn(states, state);
      const choices = this.#choices(locals, states.flags(state));
      for (const [step, delays] of choices) {
        const cost = states.cost(state) + delays;
        if (cost > delaysMax) isAll = false;
        else this.#take(states, state, locals, step, cost);
      }
      // Nobody has to die.
      const isEnd = choices.every(([step]) => step === DEATH);
      if (isEnd) ends += 1;
      const reason = this.#fault(locals, isEnd);
      if (reason === undefined) continue;
      const fault = { reason, delays: states.cost(state), trace: this.#trace(states, state) };
      return { states: states.count, isAll: false, ends, fault };
    }
    return { states: states.count, isAll, ends, fault: undefined };
  }

  /** Which steps can be taken, and how many delays each is. */
  #choices(locals: readonly Local[], flags: number): (readonly [step: number, delays: number])[] {
    const { mortal } = this.#scenario;
    const choices: (readonly [number, number])[] = [];
    let passedOver = 0;
    for (let i = 0; i < locals.length; i += 1) {
      const actor = ((flags & TURN_MASK) + i) % locals.length;
      const local = locals[actor]!;
      const isReady = mayGoOn(local, flags >> TURN_BITS);
      if (isReady) choices.push([2 * actor, passedOver]);
      if (local.next !== undefined) choices.push([2 * actor + 1, passedOver + (isReady ? 1 : 0)]);
      if (isReady || local.next !== undefined) passedOver += 1;
    }
    if (mortal !== undefined && !locals[mortal.actor]!.isDead) choices.push([DEATH, 1]);
    return choices;
  }

  #localsIn(states: States, state: number): Local[] {
    return this.#roots.map((_, actor) => this.#locals[states.part(state, actor)]!);
  }

  #take(states: States, state: number, locals: readonly Local[], step: number, cost: number): void {
    const actor = step === DEATH ? this.#scenario.mortal!.actor : step >> 1;
    const local = locals[actor]!;
    const ids = locals.map(({ id }) => id);
    let bells = states.flags(state) >> TURN_BITS;
    if (step === DEATH) {
      bells |= 1;
      local.afterDeath ??= this.#dead(local);
      ids[actor] = local.afterDeath.id;
    } else if (isBuffer(step)) {
      const { index } = local.next!;
      if (index < 0) bells |= 1 << bellIndex(index);
      local.afterStore ??= this.#settled(local.node, local.visible + 1);
      ids[actor] = local.afterStore.id;
    } else {
      const { pending } = local.node;
      if (pending.kind === "sleep") bells &= ~(1 << actor);
      const value = pending.kind === "load" ? this.#value(locals, pending.index) : 0;
      let after = local.after?.get(value);
      if (after === undefined) {
        after = this.#settled(this.#child(local.node, value), local.visible);
        (local.after ??= new Map()).set(value, after);
      }
      ids[actor] = after.id;
    }
    states.add(ids, (bells << TURN_BITS) | actor, { parent: state, step, cost });
  }

  #fault(locals: readonly Local[], isEnd: boolean): string | undefined {
    for (const { node } of locals) {
      const { actor, pending } = node;
      if (pending.kind === "failed") return `${this.#scenario.actors[actor]}: ${String(pending.error)}`;
    }
    if (!isEnd) return undefined;
    const progress = locals.map(({ node }) => node.progress);
    return this.#scenario.check(progress, (index) => this.#value(locals, index));
  }

  /** The actor's state, after all steps that nobody else could notice. */
  #settled(node: Node, visible: number): Local {
    const next = visible < storeCount(node) ? storeAt(node, visible) : undefined;
    if (next !== undefined && this.#isUnnoticed(node, visible, next)) return this.#settled(node, visible + 1);
    const isFenced = hasFence(node, visible);
    if (node.pending.kind === "load" && !isFenced) {
      const { index } = node.pending;
      if (!this.#read.has(index)) {
        this.#read.add(index);
        throw new Restart();
      }
      if (!this.#owner.has(index))
        return this.#settled(this.#child(node, this.#initialValue(index)), visible);
    }
    return this.#local({ node, visible, isDead: false, next, isFenced });
  }

  /** Of a dead actor only what it has left behind counts: what it knew and had not stored is gone. */
  #dead({ node, visible }: Local): Local {
    let holder = node;
    while (holder.parent !== undefined && holder.storesBefore >= visible) holder = holder.parent;
    return this.#local({ node: holder, visible, isDead: true, next: undefined, isFenced: false });
  }

  #local(state: Pick<Local, "node" | "visible" | "isDead" | "next" | "isFenced">): Local {
    const { node, visible, isDead } = state;
    let locals = this.#localsOf.get(node);
    if (locals === undefined) this.#localsOf.set(node, (locals = []));
    const known = locals.find((local) => local.visible === visible && local.isDead === isDead);
    if (known !== undefined) return known;
    const id = this.#locals.length;
    const nowhere = { values: undefined, after: undefined, afterStore: undefined, afterDeath: undefined };
    const local = { id, ...state, ...nowhere };
    this.#locals.push(local);
    locals.push(local);
    return local;
  }

  #isUnnoticed(node: Node, visible: number, { index, value }: Store): boolean {
    if (index < 0) return false;
    return !this.#read.has(index) || this.#visibleValue(node, visible, index) === value;
  }

  #value(locals: readonly Local[], index: number): number {
    const actor = this.#owner.get(index);
    if (actor === undefined) return this.#initialValue(index);
    const owner = locals[actor]!;
    if (index === this.#scenario.mortal?.word) return owner.isDead ? 1 : 0;
    let value = owner.values?.get(index);
    if (value === undefined) {
      value = this.#visibleValue(owner.node, owner.visible, index);
      (owner.values ??= new Map()).set(index, value);
    }
    return value;
  }

  #visibleValue(node: Node, visible: number, index: number): number {
    for (let at: Node | undefined = node; at !== undefined; at = at.parent) {
      for (let i = Math.min(visible - at.storesBefore, at.stores.length) - 1; i >= 0; i -= 1) {
        if (at.stores[i]!.index === index) return at.stores[i]!.value;
      }
    }
    return this.#initialValue(index);
  }

  #initialValue(index: number): number {
    const words = this.#initial.length;
    return index < words ? this.#initial[index]! : this.#initialBytes[index - words]!;
  }

  #child(node: Node, given: number): Node {
    let child = node.children?.get(given);
    if (child === undefined) {
      child = this.#run(node.actor, node, given);
      (node.children ??= new Map()).set(given, child);
    }
    return child;
  }

  /** Runs an actor's program anew, with what it had loaded at `parent` and what it is given now. */
  #run(actor: number, parent: Node | undefined, given: number): Node {
    const { words, program, progress } = this.#scenario.build(this.#mutation).runs[actor]!;
    words.replay(parent === undefined ? [] : [...loadsOf(parent), given]);
    const pending = runUntilSuspended(program);
    const storesBefore = parent === undefined ? 0 : storeCount(parent);
    const stores = words.stores.slice(storesBefore);
    let isNews = false;
    for (const { index } of stores) {
      if (index < 0 || this.#owner.has(index)) continue;
      this.#owner.set(index, actor);
      isNews = true;
    }
    // Before the search there is nothing to start anew.
    if (isNews && parent !== undefined) throw new Restart();
    return { actor, parent, given, stores, storesBefore, pending, progress: progress(), children: undefined };
  }

  #trace(states: States, end: number): string[] {
    const trace: string[] = [];
    for (let state = end, from = states.parent(end); from >= 0; state = from, from = states.parent(from)) {
      trace.unshift(this.#describe(this.#localsIn(states, from), states.step(state)));
    }
    return trace;
  }

  #describe(locals: readonly Local[], step: number): string {
    const { actors, mortal, nameOf } = this.#scenario;
    if (step === DEATH) return `${actors[mortal!.actor]!} dies`;
    const { node, next } = locals[step >> 1]!;
    const name = actors[node.actor]!;
    if (isBuffer(step)) {
      const { index, value } = next!;
      return index < 0
        ? `${name}'s bell rings ${actors[bellIndex(index)]!}`
        : `${name}'s store becomes visible: ${nameOf(index)} = ${value}`;
    }
    if (node.pending.kind !== "load") return `${name} wakes up`;
    const { index } = node.pending;
    return `${name} loads ${nameOf(index)} = ${this.#value(locals, index)}`;
  }
}

function isBuffer(step: number): boolean {
  return (step & 1) === 1;
}

function mayGoOn({ node, isDead, isFenced }: Local, bells: number): boolean {
  if (isFenced || isDead) return false;
  return node.pending.kind === "load" || (node.pending.kind === "sleep" && (bells & (1 << node.actor)) !== 0);
}

function storeCount({ stores, storesBefore }: Node): number {
  return storesBefore + stores.length;
}

function storeAt(node: Node, at: number): Store {
  let holder = node;
  while (at < holder.storesBefore) holder = holder.parent!;
  return holder.stores[at - holder.storesBefore]!;
}

function hasFence(node: Node, visible: number): boolean {
  for (let at = visible; at < storeCount(node); at += 1) if (storeAt(node, at).fence) return true;
  return false;
}

/** All that a program has loaded so far. */
function loadsOf(node: Node): number[] {
  const loads: number[] = [];
  for (let at = node; at.parent !== undefined; at = at.parent) loads.push(at.given);
  return loads.toReversed();
}
