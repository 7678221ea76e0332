import { ANY_VALUE, ARRAY_VALUE, field, KEY_VALUE, KEY_VALUE_LIST } from './schema';

/** The members of AnyValue and of what it is made of, for all who read or write one. */
export const STRING = field(ANY_VALUE, 'stringValue');
export const BOOL = field(ANY_VALUE, 'boolValue');
export const INT = field(ANY_VALUE, 'intValue');
export const DOUBLE = field(ANY_VALUE, 'doubleValue');
export const ARRAY = field(ANY_VALUE, 'arrayValue');
export const KVLIST = field(ANY_VALUE, 'kvlistValue');
export const BYTES = field(ANY_VALUE, 'bytesValue');
export const ARRAY_VALUES = field(ARRAY_VALUE, 'values');
export const LIST_VALUES = field(KEY_VALUE_LIST, 'values');
export const KEY = field(KEY_VALUE, 'key');
export const VALUE = field(KEY_VALUE, 'value');
