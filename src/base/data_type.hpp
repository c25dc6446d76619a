// Sizes and names of the C API's element types and operators.
#pragma once

#include <tutti/tutti.h>

#include <cstddef>

namespace tutti {

constexpr bool is_data_type(tuttiDataType_t type) { return type >= 0 && type < tuttiNumTypes; }

constexpr std::size_t size_of(tuttiDataType_t type) {
  switch (type) {
    case tuttiInt8:
    case tuttiUint8:
    case tuttiFloat8e4m3:
    case tuttiFloat8e5m2:
      return 1;
    case tuttiFloat16:
    case tuttiBfloat16:
      return 2;
    case tuttiInt32:
    case tuttiUint32:
    case tuttiFloat32:
      return 4;
    case tuttiInt64:
    case tuttiUint64:
    case tuttiFloat64:
      return 8;
    case tuttiNumTypes:
      break;
  }
  return 0;
}

constexpr const char* name_of(tuttiDataType_t type) {
  constexpr const char* kNames[] = {"int8",   "uint8",    "int32",      "uint32",
                                    "int64",  "uint64",   "float16",    "float",
                                    "double", "bfloat16", "float8e4m3", "float8e5m2"};
  return is_data_type(type) ? kNames[type] : "?";
}

constexpr const char* name_of(tuttiRedOp_t op) {
  constexpr const char* kNames[] = {"sum", "prod", "max", "min", "avg"};
  return op >= 0 && op < tuttiNumOps ? kNames[op] : "premulsum";
}

}  // namespace tutti
