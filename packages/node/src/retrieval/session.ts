/**
 * Blocks from one provider. Invariant: a session gives a block only if the bytes match the CID and the CID is
 * the one that the walk wants at this place of the CAR stream; everything else ends it, with an error that says
 * what the peer did.
 */
import type { Cancel } from "@holdfast/base";
import { type CarBlock, carHeader } from "../car.ts";
import { limits } from "../limits.ts";
import { asError, type CarPlace, type ClientTools, IncomingCar } from "./client.ts";
import { retrievalErrors } from "./errors.ts";
import { sectionBytes, type WantedBlock } from "./walk.ts";
import { Watchdog } from "./watchdog.ts";

export class CarSession implements Disposable {
  readonly car: IncomingCar;
  readonly #block: Watchdog;
  readonly #blocks: AsyncIterator<CarBlock>;
  #carOffset: number;

  /** `retrieval/refused`, `/busy`, `/bad-stream`, `net/timeout`, `wire/…`, `codec/…`, or the signal's reason. */
  static async open(tools: ClientTools, place: CarPlace, signal: Cancel): Promise<CarSession> {
    return new CarSession(tools, place, await IncomingCar.open(tools, place, signal));
  }

  private constructor(tools: ClientTools, place: CarPlace, car: IncomingCar) {
    this.car = car;
    this.#carOffset = place.carOffset;
    this.#block = new Watchdog(tools.clock, limits.retrievalBlockMs, (waitedMs) => car.stalled(waitedMs));
    this.#blocks = blocksOf(tools, place, car);
  }

  /** Where the next section begins. */
  get carOffset(): number {
    return this.#carOffset;
  }

  /**
   * The verified bytes of the wanted block; what lies before it in the stream is received and dropped.
   * `retrieval/unwanted-block`, `car/…`, and the errors of `IncomingCar.bytes`. After an error the session is
   * over.
   */
  async block(wanted: WantedBlock): Promise<Uint8Array> {
    const { peer } = this.car;
    try {
      for (;;) {
        this.#block.arm();
        const next = await this.#blocks.next();
        if (next.done === true) {
          throw retrievalErrors.badStream({ peer, detail: "its stream ends before the file does" });
        }
        const { cid, bytes } = next.value;
        const offset = this.#carOffset;
        this.#carOffset += sectionBytes(cid, bytes.length);
        if (offset < wanted.carOffset) continue;
        if (offset === wanted.carOffset && cid.equals(wanted.cid)) return bytes;
        throw retrievalErrors.unwantedBlock({
          peer,
          wanted: wanted.cid.toString(),
          found: cid.toString(),
        });
      }
    } catch (error) {
      this.#end(asError(error));
      throw error;
    } finally {
      this.#block.disarm();
    }
  }

  [Symbol.dispose](): void {
    this.#end(retrievalErrors.ended({}));
  }
  #end(reason: Error): void {
    this.#block[Symbol.dispose]();
    this.car.end(reason);
  }
}

async function* blocksOf(
  tools: ClientTools,
  place: CarPlace,
  car: IncomingCar,
): AsyncGenerator<CarBlock, void, undefined> {
  const { blocks } = await tools.readCar(fromTheBeginning(place, car));
  yield* blocks;
}

/** The stream as if nothing had been skipped: everybody knows the header of a root. */
async function* fromTheBeginning(
  { root, carOffset }: CarPlace,
  car: IncomingCar,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (carOffset > 0) yield carHeader(root);
  yield* car.bytes();
}
