# SPDX-License-Identifier: BSD-2-Clause
package Muster::Plot;

# Plots as SVG: panels of lines over a logarithmic x axis, or of bars. Nothing
# but text is needed to draw them.

use v5.36;
use POSIX ();

use constant { WIDTH => 560, HEIGHT => 330, LEFT => 78, RIGHT => 14, TOP => 34,
	BOTTOM => 44, ROW => 15 };

my @colours = map { "#$_" } qw(0b62a4 c0392b 27803b 8e44ad b9770e 16a0a0
	555555 d35490 7a5c2e 3d6bd6);

sub new ($class, $title) {
	return bless { title => $title, panels => [] }, $class;
}

# lines(title, x name, y name, [series...], log_y => 1, goals => [[y, name]...])
# - each series is { name, points => [[x, y]...], dashed }
sub lines ($self, $title, $x, $y, $series, %opt) {
	push $self->{panels}->@*, { title => $title, x => $x, y => $y,
		series => [grep { $_->{points}->@* } @$series], %opt };
}

# bars(title, y name, [[name, value]...])
sub bars ($self, $title, $y, $bars, %opt) {
	push $self->{panels}->@*, { title => $title, y => $y, bars => $bars,
		%opt };
}

sub _escape ($text) {
	my %is = ('&' => '&amp;', '<' => '&lt;', '>' => '&gt;');
	return $text =~ s/([&<>])/$is{$1}/gr;
}

sub _text ($x, $y, $text, %opt) {
	my $more = join '', map { " $_=\"$opt{$_}\"" } sort keys %opt;
	return sprintf '<text x="%.1f" y="%.1f"%s>%s</text>' . "\n", $x, $y,
		$more, _escape($text);
}

sub _line ($x1, $y1, $x2, $y2, %opt) {
	my $more = join '', map { " $_=\"$opt{$_}\"" } sort keys %opt;
	return sprintf '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"%s/>'
		. "\n", $x1, $y1, $x2, $y2, $more;
}

sub _number ($value) {
	my $abs = abs $value;
	return sprintf '%.3gM', $value / 1e6 if $abs >= 1e6;
	return sprintf '%.3gk', $value / 1e3 if $abs >= 1e3;
	return sprintf '%.3g', $value;
}

# A round step for so many marks
sub _step ($range, $count) {
	my $raw = $range / $count;
	my $power = 10 ** POSIX::floor(log($raw) / log 10);
	for my $times (1, 2, 5, 10) {
		return $times * $power if $times * $power >= $raw;
	}
}

# { map => value to pixel (0 below), marks => [value...] }
sub _linear_scale ($most, $pixels) {
	$most = 1 if $most <= 0;
	my $step = _step($most, 5);
	my $top = $step * POSIX::ceil($most / $step - 1e-9);
	return { map => sub ($v) { $v > 0 ? $v / $top * $pixels : 0 },
		marks => [map { $_ * $step } 0 .. POSIX::floor($top / $step
			+ 1e-9)] };
}

sub _log_scale ($least, $most, $pixels) {
	my ($from, $to) = (POSIX::floor(log($least) / log(10) + 1e-9),
		POSIX::ceil(log($most) / log(10) - 1e-9));
	$to++ if $to == $from;
	return { map => sub ($v) { (log($v) / log(10) - $from) / ($to - $from)
			* $pixels },
		marks => [map { 10 ** $_ } $from .. $to] };
}

sub _frame ($panel, $y) {
	my ($w, $h) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
	my $out = _text(LEFT, 20, $panel->{title}, 'font-weight' => 'bold');
	for my $mark ($y->{marks}->@*) {
		my $at = TOP + $h - $y->{map}->($mark);
		$out .= _line(LEFT, $at, LEFT + $w, $at, stroke => '#ddd')
			. _text(LEFT - 6, $at + 4, _number($mark),
				'text-anchor' => 'end');
	}
	$out .= _text(14, TOP + $h / 2, $panel->{y}, 'text-anchor' => 'middle',
		transform => sprintf 'rotate(-90 14 %.1f)', TOP + $h / 2);
	for my $goal (($panel->{goals} // [])->@*) {
		my $at = TOP + $h - $y->{map}->($goal->[0]);
		$out .= _line(LEFT, $at, LEFT + $w, $at, stroke => '#c00',
			'stroke-dasharray' => '2 4')
			. _text(LEFT + $w, $at - 4, $goal->[1], fill => '#c00',
				'text-anchor' => 'end');
	}
	return $out . sprintf '<rect x="%d" y="%d" width="%d" height="%d" '
		. 'fill="none" stroke="#888"/>' . "\n", LEFT, TOP, $w, $h;
}

sub _goals ($panel) { return map { $_->[0] } ($panel->{goals} // [])->@* }

sub _extreme ($most, @values) {
	my ($end) = sort { $most ? $b <=> $a : $a <=> $b } @values;
	return $end;
}

sub _draw_lines ($panel) {
	my ($w, $h) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
	my @points = map { $_->{points}->@* } $panel->{series}->@*;
	my @x = map { $_->[0] } @points;
	my @y = ((map { $_->[1] } @points), _goals($panel));
	my $x = _log_scale(_extreme(0, @x), _extreme(1, @x), $w);
	my $y = $panel->{log_y} ? _log_scale(_extreme(0, @y), _extreme(1, @y),
		$h) : _linear_scale(_extreme(1, @y), $h);
	my $out = _frame($panel, $y);
	for my $mark ($x->{marks}->@*) {
		my $at = LEFT + $x->{map}->($mark);
		$out .= _line($at, TOP, $at, TOP + $h, stroke => '#ddd')
			. _text($at, TOP + $h + 16, _number($mark),
				'text-anchor' => 'middle');
	}
	$out .= _text(LEFT + $w / 2, TOP + $h + 34, $panel->{x},
		'text-anchor' => 'middle');
	my $number = 0;
	for my $series ($panel->{series}->@*) {
		my $colour = $colours[$number++ % @colours];
		my @at = map { [LEFT + $x->{map}->($_->[0]),
			TOP + $h - $y->{map}->($_->[1])] }
			$series->{points}->@*;
		$out .= sprintf '<polyline fill="none" stroke="%s" '
			. 'stroke-width="2"%s points="%s"/>' . "\n", $colour,
			$series->{dashed} ? ' stroke-dasharray="6 4"' : '',
			join ' ', map { sprintf '%.1f,%.1f', @$_ } @at;
		$out .= sprintf '<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>'
			. "\n", @$_, $colour for @at;
		my $row = HEIGHT + ROW * ($number - 1);
		$out .= _line(LEFT, $row, LEFT + 26, $row, stroke => $colour,
			'stroke-width' => 2, $series->{dashed}
			? ('stroke-dasharray' => '6 4') : ())
			. _text(LEFT + 34, $row + 4, $series->{name});
	}
	return $out;
}

sub _draw_bars ($panel) {
	my ($w, $h) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
	my @bars = $panel->{bars}->@*;
	my $y = _linear_scale(_extreme(1, (map { $_->[1] } @bars),
		_goals($panel)), $h);
	my $out = _frame($panel, $y);
	my $each = $w / @bars;
	for my $i (0 .. $#bars) {
		my ($name, $value) = $bars[$i]->@*;
		my $high = $y->{map}->($value);
		my $middle = LEFT + $each * ($i + 0.5);
		my $colour = $colours[$i % @colours];
		$out .= sprintf '<rect x="%.1f" y="%.1f" width="%.1f" '
			. 'height="%.1f" fill="%s"/>' . "\n",
			$middle - $each * 0.35, TOP + $h - $high, $each * 0.7,
			$high, $colour;
		$out .= _text($middle, TOP + $h - $high - 4, _number($value),
			'text-anchor' => 'middle');
		$out .= sprintf '<rect x="%d" y="%.1f" width="26" height="10" '
			. 'fill="%s"/>' . "\n", LEFT, HEIGHT + ROW * $i - 5,
			$colour;
		$out .= _text(LEFT + 34, HEIGHT + ROW * $i + 4, $name);
	}
	return $out;
}

sub _high ($panel) {
	my $rows = ($panel->{series} // $panel->{bars})->@*;
	return HEIGHT + ROW * $rows + 14;
}

# The whole, two panels in a row.
sub svg ($self) {
	my @panels = grep { ($_->{series} // $_->{bars})->@* }
		$self->{panels}->@*;
	my ($body, $top) = ('', 34);
	while (my @row = splice @panels, 0, 2) {
		for my $i (0 .. $#row) {
			$body .= sprintf '<g transform="translate(%d %d)">%s'
				. '</g>' . "\n", $i * WIDTH, $top,
				"\n" . ($row[$i]{series} ? _draw_lines($row[$i])
				: _draw_bars($row[$i]));
		}
		$top += _extreme(1, map { _high($_) } @row);
	}
	my $wide = WIDTH * 2;
	return '<svg xmlns="http://www.w3.org/2000/svg"'
		. qq( width="$wide" height="$top" viewBox="0 0 $wide $top")
		. qq( font-family="sans-serif" font-size="12">\n)
		. qq(<rect width="100%" height="100%" fill="white"/>\n)
		. _text(LEFT, 24, $self->{title}, 'font-size' => 16)
		. $body . "</svg>\n";
}

1;
