#include "cli/record.h"

#include <iterator>

namespace scoutlight::cli {

void Append(std::vector<Field> fields, Record* record) {
  record->fields.insert(record->fields.end(), std::make_move_iterator(fields.begin()), std::make_move_iterator(fields.end()));
}

Json JsonOf(const Record& record) {
  Json json = Json::object();
  for (const Field& field : record.fields) {
    if (!field.value.is_null()) json[field.name] = field.value;
  }
  return json;
}

}  // namespace scoutlight::cli
