#include "cli/record.h"

namespace scoutlight::cli {

Json JsonOf(const Record& record) {
  Json json = Json::object();
  for (const Field& field : record.fields) {
    if (!field.value.is_null()) json[field.name] = field.value;
  }
  return json;
}

}  // namespace scoutlight::cli
