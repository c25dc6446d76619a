// What needs no communicator: the version, and a sentence for every code.
#include <tutti/tutti.h>

tuttiResult_t tuttiGetVersion(int* version) {
  if (version == nullptr) return tuttiInvalidArgument;
  *version = TUTTI_VERSION_CODE;
  return tuttiSuccess;
}

const char* tuttiGetErrorString(tuttiResult_t result) {
  switch (result) {
    case tuttiSuccess:
      return "success";
    case tuttiUnhandledDeviceError:
      return "device error";
    case tuttiSystemError:
      return "the operating system refused a resource";
    case tuttiInternalError:
      return "internal error: a defect in Tutti";
    case tuttiInvalidArgument:
      return "invalid argument";
    case tuttiInvalidUsage:
      return "invalid usage: not allowed now, or not supported";
    case tuttiRemoteError:
      return "remote error: another rank died, left or failed";
    case tuttiInProgress:
      return "in progress";
    case tuttiTimeout:
      return "timeout: the deadline passed while waiting for another rank";
    case tuttiMismatch:
      return "mismatch: ranks disagree about the operation";
    case tuttiPeerFailed:
      return "peer failed: the step finished without the dead ranks";
    case tuttiCapacityExceeded:
      return "capacity exceeded: the output is too small";
    case tuttiStale:
      return "stale plan or handle";
    case tuttiAborted:
      return "aborted";
  }
  return "unknown result code";
}
