/** Errors of payment channels: every reason for which a voucher is not taken has a code of its own. */
import { defineErrors } from "@holdfast/base";

export const channelErrors = defineErrors("channels", {
  malformedVoucher: {
    exit: "usage",
    message: (data: { problem: string }) => `this is no voucher: ${data.problem}`,
    fix: "take the whole text that `holdfast channel voucher create` printed, from hfv1 to its end",
  },
  badSignature: {
    exit: "proof-invalid",
    message: (data: { payer: string }) =>
      `the voucher is not signed for the payer ${data.payer} on this network`,
    fix: "ask the payer for a voucher that its own node has made",
  },
  noChannel: {
    exit: "not-found",
    message: (data: { payer: string; channel: number }) =>
      `${data.payer} has no open channel ${data.channel}`,
    fix: "wait until the channel is in the chain; see `holdfast channel ls`",
  },
  wrongChannel: {
    exit: "refused",
    message: (data: { channel: number; target: string }) =>
      `channel ${data.channel} pays ${data.target}, and the voucher names another target`,
    fix: "ask the payer for a voucher for this channel",
  },
  notOurs: {
    exit: "refused",
    message: (data: { address: string }) => `this node has no key of ${data.address}`,
    fix: "use the node that has it (`holdfast wallet ls`)",
  },
  aboveChannel: {
    exit: "funds",
    message: (data: { amountFil: string; depositFil: string }) =>
      `${data.amountFil} FIL are more than the channel's deposit of ${data.depositFil} FIL`,
    fix: "the payer adds money first: `holdfast channel extend CHANNEL --add AMOUNT`",
  },
  worthNothing: {
    exit: "refused",
    message: (data: { amountFil: string; redeemedFil: string }) =>
      `a voucher over ${data.amountFil} FIL in all is worth nothing: ${data.redeemedFil} FIL were redeemed`,
    fix: "amounts count from the opening of the channel: the next voucher is above what was redeemed",
  },
  notBetter: {
    exit: "refused",
    message: (data: { amountFil: string; bestFil: string }) =>
      `a voucher over ${data.amountFil} FIL adds nothing to one over ${data.bestFil} FIL that is there`,
    fix: "amounts count from the opening of the channel: a new voucher is above the last one",
  },
  expired: {
    exit: "refused",
    message: (data: { validAt: number; eol: number }) =>
      `the voucher can never be redeemed: it is valid at ${data.validAt}, and the channel ends at ${data.eol}`,
    fix: "the payer lets the channel last longer first: `holdfast channel extend CHANNEL --for TIME`",
  },
  full: {
    exit: "refused",
    message: (data: { limit: number }) => `${data.limit} vouchers are kept already, the limit`,
    fix: "redeem some: `holdfast channel redeem`",
  },
  noVoucher: {
    exit: "not-found",
    message: (data: { payer: string; channel: number }) =>
      `there is no voucher for channel ${data.channel} of ${data.payer} that pays now`,
    fix: "take one in with `holdfast channel voucher add`, or wait until one is valid",
  },
});
