import { ANY_VALUE, ARRAY_VALUE, field } from './schema';

/** The members of AnyValue, for all who read or write one. */
export const STRING = field(ANY_VALUE, 'stringValue');
export const BOOL = field(ANY_VALUE, 'boolValue');
export const INT = field(ANY_VALUE, 'intValue');
export const DOUBLE = field(ANY_VALUE, 'doubleValue');
export const ARRAY = field(ANY_VALUE, 'arrayValue');
export const KVLIST = field(ANY_VALUE, 'kvlistValue');
export const BYTES = field(ANY_VALUE, 'bytesValue');
export const ARRAY_VALUES = field(ARRAY_VALUE, 'values');
