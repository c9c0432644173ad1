/** What the wallet needs: a place for its one file, the secret that opens it, and randomness. */
import type { Disk, KeystoreSecret, NetworkByte, Random } from "@holdfast/base";

export interface WalletNeeds {
  readonly disk: Disk;
  readonly secret: KeystoreSecret;
  readonly random: Random;
  readonly network: NetworkByte;
}
