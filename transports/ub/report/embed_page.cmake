# cmake -DOUTPUT=file.cpp -DPAGE=report.html -P: writes report_page() with the file's text.
file(READ ${PAGE} text)
file(WRITE ${OUTPUT} "// Made by embed_page.cmake from transports/ub/report/report.html.
#include \"transports/ub/report/report_page.hpp\"

namespace tutti::ub {

std::string_view report_page() { return R\"page(${text})page\"; }

}  // namespace tutti::ub
")
