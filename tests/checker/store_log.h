#ifndef SCOUTLIGHT_TESTS_CHECKER_STORE_LOG_H_
#define SCOUTLIGHT_TESTS_CHECKER_STORE_LOG_H_

#include <string>

#include "storage/store.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

// Appends to `history->log` what the history of `store` holds behind what is there already, as received now. Fails the test when the store
// cannot tell it all. Blocks.
void AppendStoreLog(storage::Store* store, History* history);

// Likewise of an embedded store's folder, which no server has open.
void AppendLogOfFolder(const std::string& data_dir, History* history);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_STORE_LOG_H_
