import type { ImportReport, SeatMessage } from "./seatMessage.ts";

interface Request {
  readonly id: number;
  readonly path: string;
  /** Told what comes of it. */
  readonly report: (report: ImportReport) => void;
  /** The history process that has it; undefined: it waits for one. */
  process: number | undefined;
}

/** Imports that were asked for at the control socket: who is told of each, and which history process has it. */
export class ImportRequests {
  readonly #requests = new Map<number, Request>();
  #nextId = 1;

  /** @param report called with each report, of which the last one is "imported" or "importFailed" */
  add(path: string, report: (report: ImportReport) => void): void {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#requests.set(id, { id, path, report, process: undefined });
  }

  /** What has to be sent to this history process, once. */
  take(process: number): SeatMessage[] {
    const waiting = [...this.#requests.values()].filter((request) => request.process === undefined);
    for (const request of waiting) request.process = process;
    return waiting.map(({ id, path }) => ({ type: "import", id, path }));
  }

  report(report: ImportReport): void {
    const request = this.#requests.get(report.id);
    if (report.type !== "importing") this.#requests.delete(report.id);
    request?.report(report);
  }

  /** A history process has ended: what it had begun, nobody knows the end of. Its successor may have others. */
  fail(process: number, text: string): void {
    for (const request of this.#requests.values())
      if (request.process === process) this.report({ type: "importFailed", id: request.id, text });
  }
}
