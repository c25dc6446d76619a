#include "header.hpp"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "counted_text.hpp"

namespace moe_engine {
namespace {

using Json = nlohmann::json;

// What the parser tells, piece by piece. Nothing is nested deeper than the format allows, no name
// comes twice, and what a piece belongs to is known when it is wrong.
class HeaderReader : public nlohmann::json_sax<Json> {
 public:
  HeaderReader(const std::size_t& read, std::size_t offset) : read_(read), offset_(offset) {}
  Header take() { return std::move(header_); }

  bool null() override { return wrong("null"); }
  bool boolean(bool) override { return wrong("a boolean"); }
  bool number_float(double, const std::string&) override { return wrong("a fraction"); }
  bool binary(binary_t&) override { return wrong("binary data"); }
  bool number_integer(std::int64_t) override { return wrong("a negative number"); }
  bool number_unsigned(std::uint64_t value) override;
  bool string(std::string& text) override;
  bool start_object(std::size_t) override;
  bool key(std::string& name) override;
  bool end_object() override;
  bool start_array(std::size_t) override;
  bool end_array() override;
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) override {
    complain(std::string("not JSON (") + error.what() + ")");
  }

 private:
  enum class Place { kFile, kHeader, kMetadata, kTensor, kNumbers };

  std::size_t byte() const { return offset_ + read_; }
  std::string where() const;
  [[noreturn]] void complain(const std::string& complaint) const {
    throw FileError(byte(), where(), complaint);
  }
  bool wrong(const char* what) const { complain(std::string(what) + " does not belong here"); }
  void open_field(const std::string& name);
  void close_tensor();

  const std::size_t& read_;
  std::size_t offset_;
  Header header_;
  Place place_ = Place::kFile;
  std::string name_;   // of the tensor, or of the metadata
  std::string field_;  // of the tensor
  bool has_metadata_ = false;
  Tensor* tensor_ = nullptr;
  std::vector<std::string> fields_;   // that this tensor has had
  std::vector<std::size_t> numbers_;  // of shape or data_offsets
};

std::string HeaderReader::where() const {
  switch (place_) {
    case Place::kMetadata:
      return "__metadata__" + (name_.empty() ? "" : ", " + name_.substr(0, 80));
    case Place::kTensor:
    case Place::kNumbers:
      return quoted(name_) + (field_.empty() ? "" : ", " + field_);
    default:
      return name_.empty() ? "header" : quoted(name_);
  }
}

bool HeaderReader::start_object(std::size_t) {
  if (place_ == Place::kFile) {
    place_ = Place::kHeader;
  } else if (place_ != Place::kHeader) {
    return wrong("an object");
  } else if (name_ == "__metadata__") {
    if (has_metadata_) complain("is there twice");
    has_metadata_ = true;
    place_ = Place::kMetadata;
    name_.clear();
  } else {
    place_ = Place::kTensor;
    tensor_ = &header_.tensors[name_];
    fields_.clear();
    field_.clear();
  }
  return true;
}

bool HeaderReader::key(std::string& name) {
  if (place_ == Place::kTensor) {
    open_field(name);
    return true;
  }
  name_ = name;
  const bool twice = place_ == Place::kMetadata ? header_.metadata.count(name) > 0
                                                : header_.tensors.count(name) > 0;
  if (twice) complain("is there twice");
  return true;
}

void HeaderReader::open_field(const std::string& name) {
  field_ = name.substr(0, 80);
  if (name != "dtype" && name != "shape" && name != "data_offsets") complain("no such field");
  for (const std::string& field : fields_) {
    if (field == name) complain("is there twice");
  }
  fields_.push_back(name);
}

bool HeaderReader::string(std::string& text) {
  if (place_ == Place::kMetadata) {
    header_.metadata[name_] = {.text = text, .byte = byte()};
    return true;
  }
  if (place_ != Place::kTensor || field_ != "dtype") return wrong("a string");
  if (element_bytes(text) == 0) complain("'" + text.substr(0, 80) + "' is not a type");
  tensor_->type = text;
  return true;
}

bool HeaderReader::start_array(std::size_t) {
  if (place_ != Place::kTensor || field_ == "dtype") return wrong("a list");
  place_ = Place::kNumbers;
  numbers_.clear();
  return true;
}

bool HeaderReader::number_unsigned(std::uint64_t value) {
  if (place_ != Place::kNumbers) return wrong("a number");
  numbers_.push_back(value);
  return true;
}

bool HeaderReader::end_array() {
  place_ = Place::kTensor;
  if (field_ == "shape") {
    tensor_->shape = numbers_;
    return true;
  }
  if (numbers_.size() != 2) {
    complain(std::to_string(numbers_.size()) + " numbers where begin and end are expected");
  }
  tensor_->begin = numbers_[0];
  tensor_->end = numbers_[1];
  return true;
}

bool HeaderReader::end_object() {
  if (place_ == Place::kTensor) close_tensor();
  place_ = place_ == Place::kHeader ? Place::kFile : Place::kHeader;
  name_.clear();
  return true;
}

void HeaderReader::close_tensor() {
  field_.clear();
  if (fields_.size() != 3) complain("dtype, shape and data_offsets are not all there");
  tensor_->byte = byte();
}

static_assert(std::numeric_limits<std::size_t>::max() >= std::numeric_limits<std::uint64_t>::max());

}  // namespace

std::size_t element_bytes(std::string_view type) {
  static constexpr std::pair<std::string_view, std::size_t> kTypes[] = {
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1},
      {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
      {"U32", 4},  {"F32", 4}, {"F64", 8}, {"I64", 8},     {"U64", 8}};
  for (const auto& [name, bytes] : kTypes) {
    if (name == type) return bytes;
  }
  return 0;
}

Header parse_header(std::string_view json, std::size_t offset) {
  std::size_t read = 0;
  HeaderReader reader(read, offset);
  Json::sax_parse(CountedText(json.data(), &read), CountedText(json.data() + json.size(), &read),
                  &reader);
  return reader.take();
}

std::string quoted(const std::string& name) {
  return "tensor '" + (name.size() <= 80 ? name : name.substr(0, 80) + "...") + "'";
}

}  // namespace moe_engine
