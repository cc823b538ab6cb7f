// Addresses of networks and devices as requests may write them: what PostgreSQL would guess at or
// complete is refused.
import { isIPv4, isIPv6 } from "node:net";

const WITH_PREFIX = /^([^/]+)(?:\/(0|[1-9]\d{0,2}))?$/;
const DEVICE = /^[0-9a-f]{2}(?:(:|-)[0-9a-f]{2}(?:\1[0-9a-f]{2})*)$/i;

interface Address {
  readonly host: string;
  readonly bits: 32 | 128;
  readonly prefix: number | undefined;
}

function addressOf(text: string): Address | undefined {
  const parts = WITH_PREFIX.exec(text);
  const host = parts?.[1] ?? "";
  if (!isIPv4(host) && (!isIPv6(host) || host.includes("%"))) return undefined;
  const bits = isIPv4(host) ? 32 : 128;
  const prefix = parts?.[2] === undefined ? undefined : Number(parts[2]);
  return prefix === undefined || prefix <= bits ? { host, bits, prefix } : undefined;
}

/** An address, with the length of its network or without. */
export function isInet(text: string): boolean {
  return addressOf(text) !== undefined;
}

/** A network with its length, and nothing set to the right of it. */
export function isCidr(text: string): boolean {
  const address = addressOf(text);
  if (address?.prefix === undefined) return false;
  const { host, bits, prefix } = address;
  const value = bits === 32 ? ipv4Value(host) : ipv6Value(host);
  return (value & ((1n << BigInt(bits - prefix)) - 1n)) === 0n;
}

function ipv4Value(host: string): bigint {
  return host.split(".").reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function ipv6Value(host: string): bigint {
  const mapped = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(host);
  const last = mapped === null ? 0n : ipv4Value(mapped[2] ?? "");
  const text = mapped
    ? `${mapped[1]}${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}`
    : host;
  const [head = "", tail] = text.split("::");
  const groups = (part: string): string[] => (part === "" ? [] : part.split(":"));
  const [first, rest] = [groups(head), groups(tail ?? "")];
  const zeros = Array.from({ length: 8 - first.length - rest.length }, () => "0");
  const all = [...first, ...(tail === undefined ? [] : zeros), ...rest];
  return all.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

/** As many bytes as stated, in hexadecimal, joined by `:` or by `-`. */
export function isDeviceAddress(text: string, bytes: 6 | 8): boolean {
  return DEVICE.test(text) && text.length === bytes * 3 - 1;
}
