# Expected values of lumbar_metrics::delong from R's pROC.
#
#     apt-get install r-cran-proc       # Debian 12: R 4.2.2, pROC 1.18.0
#     Rscript make_delong.R             # writes delong.json beside itself
#
# Inputs are made here from a fixed seed; nothing of anybody's data is used.
suppressMessages(library(pROC))
stopifnot(as.character(packageVersion("pROC")) == "1.18.0")
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
set.seed(19880901)

num <- function(x) sprintf("%.17g", x)
list_of <- function(x) paste0("[", paste(sapply(x, num), collapse = ", "), "]")

one <- function(name, y, a, b) {
  ra <- roc(y, a, levels = c(0, 1), direction = "<", quiet = TRUE)
  rb <- roc(y, b, levels = c(0, 1), direction = "<", quiet = TRUE)
  ci95 <- ci.auc(ra, method = "delong")
  ci80 <- ci.auc(ra, method = "delong", conf.level = 0.8)
  test <- roc.test(ra, rb, method = "delong", paired = TRUE)
  sprintf(paste0(
    '{"name": "%s", "happened": %s, "a": %s, "b": %s, "auroc_a": %s, "auroc_b": %s, "variance_a": %s, ',
    '"covariance": %s, "ci95": [%s, %s], "ci80": [%s, %s], "z": %s, "p_value": %s}'),
    name, list_of(y), list_of(a), list_of(b), num(auc(ra)), num(auc(rb)), num(var(ra, method = "delong")),
    num(cov(ra, rb, method = "delong")), num(ci95[1]), num(ci95[3]), num(ci80[1]), num(ci80[3]),
    num(test$statistic), num(test$p.value))
}

cases <- c()
for (n in c(8, 20, 60, 200)) {
  for (kind in c("continuous", "tied", "strong", "imbalanced")) {
    y <- rep(c(0, 1), length.out = n)
    if (kind == "imbalanced") y <- c(rep(1, max(2, n %/% 10)), rep(0, n - max(2, n %/% 10)))
    shift <- if (kind == "strong") 3 else 0.8
    a <- rnorm(n) + shift * y
    b <- 0.5 * a + rnorm(n) + 0.4 * y
    digits <- if (kind == "tied") 0 else 6
    cases <- c(cases, one(sprintf("%s_%d", kind, n), y, round(a, digits), round(b, digits)))
  }
}
text <- paste0('{"made_by": "make_delong.R", "versions": {"R": "', R.version.string, '", "pROC": "1.18.0"}, "cases": [\n',
               paste(cases, collapse = ",\n"), "\n]}\n")
writeLines(text, file.path(here, "delong.json"), sep = "")
cat(length(cases), "cases\n")
