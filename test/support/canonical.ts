/**
 * One form for the spans of an OTLP request, whatever encoding they came in, so that what was sent can be compared
 * with what arrived. It shares no code with src/otlp: a mistake there must not be able to hide here.
 *
 * Absent fields have their proto3 default and an absent message is an empty one; which member of a value is set is kept even
 * when it holds a default (`int 0` is not the empty value). Nothing is rounded, ordered or deduplicated.
 */
export { canonicalFromJson } from './canonical-json';
export { canonicalFromProtobuf } from './canonical-protobuf';
export type * from './canonical-span';
